"""Issues as GitHub and GitLab keep them, on 127.0.0.1, for the calls that `ci/message.py` makes."""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlparse

TOKEN = "secret-token"
PATHS = {"github": "/repos/lab/net/issues", "gitlab": "/api/v4/projects/7/issues"}


@dataclass
class Kept:
    """An issue of the server."""

    title: str
    body: str
    labels: list[str]
    open: bool = True
    comments: list[str] = field(default_factory=list)


class ForgeServer:
    """Serves one project.

    Attributes:
        kind: `github` or `gitlab`.
        issues: The issues; their numbers count from 1.
        calls: Methods and paths of all requests.
        fails: Status that every request is answered with, 0 for none.
        meet: Number of first listings that wait for one another.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.issues: list[Kept] = []
        self.calls: list[str] = []
        self.fails = 0
        self.meet = 0
        self._meeting = threading.Barrier(2)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self, order: int) -> dict[str, str]:
        """Return the variables of a job of this forge in the pipeline of a number."""
        if self.kind == "github":
            return {
                **{"GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "lab/net"},
                **{"GITHUB_RUN_ID": str(order), "GITHUB_SERVER_URL": "https://forge", "GH_TOKEN": TOKEN},
                "GITHUB_SHA": "abc123",
            }
        return {
            **{"GITLAB_CI": "true", "CI_API_V4_URL": f"{self.url}/api/v4", "CI_PROJECT_ID": "7"},
            **{"CI_PIPELINE_ID": str(order), "CI_PIPELINE_URL": f"https://forge/{order}"},
            **{"MESSAGE_TOKEN": TOKEN, "CI_COMMIT_SHA": "abc123"},
        }

    @property
    def opened(self) -> list[int]:
        """Return the numbers of open issues."""
        return [number for number, issue in enumerate(self.issues, 1) if issue.open]

    def _plain(self, number: int) -> dict[str, Any]:
        issue = self.issues[number - 1]
        if self.kind == "github":
            return {"number": number, "state": "open" if issue.open else "closed", "body": issue.body}
        state = "opened" if issue.open else "closed"
        return {"iid": number, "state": state, "description": issue.body}

    def _answer(self, method: str, path: str, content: dict[str, Any]) -> tuple[int, Any]:
        url, github = urlparse(path), self.kind == "github"
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        with self._lock:
            self.meet, waits = max(0, self.meet - 1), self.meet > 0
        if waits:
            self._meeting.wait(20)
        with self._lock:
            self.calls.append(f"{method} {url.path}")
            if self.fails:
                return self.fails, {"message": "the service is unavailable"}
            base = PATHS[self.kind]
            text = "body" if github else "description"
            if url.path == base and method == "GET":
                state = {"open": True, "opened": True, "closed": False}[asked["state"]]
                found = [
                    self._plain(n)
                    for n, issue in sorted(enumerate(self.issues, 1), reverse=True)
                    if issue.open == state and asked["labels"] in issue.labels
                ]
                return 200, found[: int(asked["per_page"])]
            if url.path == base and method == "POST":
                labels = content["labels"] if github else content["labels"].split(",")
                self.issues.append(Kept(content["title"], content[text], labels))
                return 201, self._plain(len(self.issues))
            number, rest = re.fullmatch(rf"{base}/(\d+)(.*)", url.path).groups()  # type: ignore[union-attr]
            issue = self.issues[int(number) - 1]
            if method == "POST" and rest == ("/comments" if github else "/notes"):
                issue.comments.append(content["body"])
                return 201, {}
            assert (method, rest) == ("PATCH" if github else "PUT", "")
            issue.title = content.get("title", issue.title)
            issue.body = content.get(text, issue.body)
            if "state" in content or "state_event" in content:
                assert content == content | ({"state": "closed"} if github else {"state_event": "close"})
                issue.open = False
            return 200, self._plain(int(number))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        here = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                header, value = {
                    "github": ("Authorization", f"Bearer {TOKEN}"),
                    "gitlab": ("PRIVATE-TOKEN", TOKEN),
                }[here.kind]
                if self.headers[header] != value:
                    status, answer = 401, {"message": "Bad credentials"}
                else:
                    status, answer = here._answer(self.command, self.path, json.loads(data or b"{}"))
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("Location", f"{here.url}/stolen")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                """Print nothing."""

            do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815

        return Handler
