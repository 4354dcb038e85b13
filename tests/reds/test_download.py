"""Downloads from a server that says or sends odd things."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from reds.data.download import fetch
from reds.errors import DataError

DATA = b"data of the set" * 100
Serve = Callable[[str | None, bytes | None], str]
"""Start a server with this `Content-Length` and content, endless if it is None, and return its address."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = []

    def start(length: str | None, content: bytes | None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                if length is not None:
                    self.send_header("Content-Length", length)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(DATA if content is None else content)
                    while content is None:
                        self.wfile.write(bytes(1 << 16))

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/set.npz"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def got(url: str, path: Path) -> None:
    fetch(url, hashlib.sha256(DATA).hexdigest(), path, Console(quiet=True), timeout=10, most=1 << 20)


@pytest.mark.parametrize("length", [None, str(len(DATA)), "many", "²", "-5", "9" * 30, "99999"])
def test_a_file_is_kept_whatever_the_server_says_of_its_length(
    length: str | None, serve: Serve, tmp_path: Path
) -> None:
    got(serve(length, DATA), tmp_path / "set.npz")
    assert (tmp_path / "set.npz").read_bytes() == DATA


@pytest.mark.parametrize(("length", "content"), [(None, None), ("3", DATA), (None, b""), (None, DATA[:-1])])
def test_a_download_that_does_not_end_or_is_cut_is_refused(
    length: str | None, content: bytes | None, serve: Serve, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        got(serve(length, content), tmp_path / "set.npz")
    assert str(caught.value).isprintable()
    assert not list(tmp_path.iterdir())
