"""Speak the few calls of GitHub's and GitLab's REST API that one message about the nights needs.

A token goes to the address that CI names and nowhere else: a redirection is an error. A call is made once,
because one that is repeated may open a second message.
"""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

LABEL = "nightly-bench"
"""Label of the message; only people who may triage set labels, so nobody else's text is taken for it."""
SECONDS = 20.0
"""Seconds that an answer may take."""
_MOST_BYTES = 1 << 24


class ForgeError(Exception):
    """The message was not told, in one sentence with a remedy."""


@dataclass(frozen=True)
class Issue:
    """A message: its number and its text."""

    number: int
    body: str


class _NoRedirection(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Refuse: the request holds a token."""


class Forge(ABC):
    """One project on a forge.

    Attributes:
        order: Number of this pipeline; later ones have larger numbers.
        link: Page of this pipeline.
        commit: The commit that was benched.
    """

    order: int
    link: str
    commit: str

    def __init__(self, api: str, headers: Mapping[str, str]) -> None:
        self._api = api.rstrip("/")
        self._headers = {"Content-Type": "application/json", "User-Agent": "reds-hil-ci", **headers}

    @abstractmethod
    def issues(self, state: str, most: int) -> list[Issue]:
        """Return the newest messages of a state, `open` or `closed`."""

    @abstractmethod
    def create(self, title: str, body: str) -> int:
        """Open a message; return its number."""

    @abstractmethod
    def comment(self, number: int, body: str) -> None:
        """Add a comment, which tells all who follow the message."""

    @abstractmethod
    def edit(self, number: int, **fields: str) -> None:
        """Change title or body, or close it by `state="closed"`."""

    def _call(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        url = f"{self._api}/{path}"
        request = Request(url, data=data, headers=dict(self._headers), method=method)
        what = f"{method} {url.partition('?')[0]}"
        try:
            with build_opener(_NoRedirection).open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read(_MOST_BYTES))
        except HTTPError as error:
            raise ForgeError(f"{what} answered {error.code}: {_said(error)}; {_remedy(error.code)}") from None
        except (OSError, HTTPException, ValueError) as error:
            reason = _line(str(getattr(error, "reason", None) or error))
            raise ForgeError(f"{what} failed: {reason}; run this job again when the API answers") from None


@contextmanager
def _known_shape(what: str) -> Iterator[None]:
    """Raise `ForgeError` if an answer is not of the shape that this API documents."""
    try:
        yield
    except (KeyError, TypeError, ValueError):
        other = f"the API's answer about {what} has another shape than GitHub's or GitLab's"
        raise ForgeError(f"{other}; see that the job's API address is that of the forge") from None


def _said(error: HTTPError) -> str:
    """Return the beginning of an answer that is an error, in one line."""
    try:
        with error:
            told = error.read(300).decode(errors="replace")
    except (OSError, HTTPException):  # it was cut off
        told = error.reason
    return _line(told)


def _line(text: str) -> str:
    """Return a text of others in one printable line."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _remedy(code: int) -> str:
    if code in (401, 403, 404):
        return "give the token the right to write issues"
    if code == 410:
        return "switch issues on in the settings of this project"
    return "run this job again when the API answers"


class GitHub(Forge):
    """A repository on GitHub, in a job of GitHub Actions."""

    def __init__(self, env: Mapping[str, str]) -> None:
        token = _needed(env, "GH_TOKEN")
        super().__init__(
            env["GITHUB_API_URL"],
            {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        )
        repository = env["GITHUB_REPOSITORY"]
        self._base = f"repos/{repository}/issues"
        self.order = int(env["GITHUB_RUN_ID"])
        self.link = f"{env['GITHUB_SERVER_URL']}/{repository}/actions/runs/{self.order}"
        self.commit = env.get("GITHUB_SHA", "")

    def issues(self, state: str, most: int) -> list[Issue]:
        """Return the newest messages of a state."""
        asked = {"labels": LABEL, "state": state, "per_page": most, "sort": "created", "direction": "desc"}
        found = self._call("GET", f"{self._base}?{urlencode(asked)}")
        with _known_shape("issues"):
            return [Issue(each["number"], each["body"] or "") for each in found if "pull_request" not in each]

    def create(self, title: str, body: str) -> int:
        """Open a message; return its number."""
        made = self._call("POST", self._base, {"title": title, "body": body, "labels": [LABEL]})
        with _known_shape("a new issue"):
            return int(made["number"])

    def comment(self, number: int, body: str) -> None:
        """Add a comment."""
        self._call("POST", f"{self._base}/{number}/comments", {"body": body})

    def edit(self, number: int, **fields: str) -> None:
        """Change title, body or state."""
        self._call("PATCH", f"{self._base}/{number}", fields)


class GitLab(Forge):
    """A project on GitLab, in a job of GitLab CI."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env["CI_API_V4_URL"], {"PRIVATE-TOKEN": _needed(env, "MESSAGE_TOKEN")})
        self._base = f"projects/{quote(env['CI_PROJECT_ID'], safe='')}/issues"
        self.order = int(env["CI_PIPELINE_ID"])
        self.link = env["CI_PIPELINE_URL"]
        self.commit = env.get("CI_COMMIT_SHA", "")

    def issues(self, state: str, most: int) -> list[Issue]:
        """Return the newest messages of a state."""
        named = {"open": "opened"}.get(state, state)
        asked = {"labels": LABEL, "state": named, "per_page": most, "order_by": "created_at", "sort": "desc"}
        found = self._call("GET", f"{self._base}?{urlencode(asked)}")
        with _known_shape("issues"):
            return [Issue(each["iid"], each["description"] or "") for each in found]

    def create(self, title: str, body: str) -> int:
        """Open a message; return its number."""
        made = self._call("POST", self._base, {"title": title, "description": body, "labels": LABEL})
        with _known_shape("a new issue"):
            return int(made["iid"])

    def comment(self, number: int, body: str) -> None:
        """Add a comment."""
        self._call("POST", f"{self._base}/{number}/notes", {"body": body})

    def edit(self, number: int, **fields: str) -> None:
        """Change title, body or state."""
        content = {{"body": "description"}.get(key, key): value for key, value in fields.items()}
        if content.pop("state", "") == "closed":
            content["state_event"] = "close"
        self._call("PUT", f"{self._base}/{number}", content)


def forge(env: Mapping[str, str] = os.environ) -> Forge:
    """Return the project that this job belongs to."""
    try:
        if env.get("GITHUB_ACTIONS") == "true":
            return GitHub(env)
        if env.get("GITLAB_CI") == "true":
            return GitLab(env)
    except KeyError as error:
        raise ForgeError(f"{error.args[0]} is not set; run this in a job of CI") from None
    raise ForgeError("this is no job of GitHub Actions or GitLab CI; run it in one")


def _needed(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise ForgeError(f"{name} is empty; give this job a token that may write issues")
    return env[name]
