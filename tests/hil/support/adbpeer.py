"""Play the device end of ADB from a script, with faults that a real adbd does not produce on demand.

As a program it is the device: commands run in this machine's shell, with a folder of the test in place of
/data/local/tmp. It listens on 127.0.0.1 only, and serves adb-shell and the adb program alike.
"""

import argparse
import base64
import ctypes
import os
import queue
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from tests.hil.support.adbservices import CLOSED, TEMP, Shell, Sync

VERSION, LARGEST = 0x01000000, 1 << 20
BANNER = b"device::ro.product.name=peer;ro.product.model=Scripted Peer;ro.product.device=peer;features=%s"
TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3


def word(name: bytes) -> int:
    return int.from_bytes(name, "little")


def public_key(line: str) -> rsa.RSAPublicKey:
    """Read a key from adb's .pub file: word count, n0inv, modulus, rr, exponent."""
    raw = base64.b64decode(line.split()[0])
    (exponent,) = struct.unpack_from("<I", raw, 520)
    return rsa.RSAPublicNumbers(exponent, int.from_bytes(raw[8:264], "little")).public_key()


class Stream:
    """A stream of one service."""

    def __init__(self, connection: "Connection", ours: int, theirs: int) -> None:
        self._connection, self.ours, self.theirs = connection, ours, theirs
        self.came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.taken = threading.Semaphore(1)
        self.closed = False
        self._held = b""

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), self._connection.most):
            self.taken.acquire()
            if self.closed:
                self.taken.release()  # for whoever waits too
                raise EOFError
            self._connection.send(b"WRTE", self.ours, self.theirs, data[at : at + self._connection.most])

    def some(self) -> bytes:
        data = self.came.get()
        if not data:
            self.came.put(b"")
            raise EOFError
        return data

    def read(self, size: int) -> bytes:
        while len(self._held) < size:
            self._held += self.some()
        data, self._held = self._held[:size], self._held[size:]
        return data

    def end(self) -> None:
        """Note that the host has closed the stream or is gone."""
        self.closed = True
        self.came.put(b"")
        self.taken.release()


class Connection:
    """The stream of one host."""

    def __init__(self, sock: socket.socket, device: argparse.Namespace) -> None:
        self._socket, self._device = sock, device
        self._sending = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._opened = 0
        self._token = os.urandom(20)
        self._trusted = device.keys is None
        self.most = LARGEST

    def run(self) -> None:
        try:
            while True:
                command, first, second, size, _, magic = struct.unpack("<6I", self._exactly(24))
                if command ^ 0xFFFFFFFF != magic or size > LARGEST:
                    break
                self._take(command.to_bytes(4, "little"), first, second, self._exactly(size))
        except CLOSED:
            pass
        finally:
            self._socket.close()
            for stream in list(self._streams.values()):
                stream.end()

    def send(self, command: bytes, first: int, second: int, data: bytes = b"") -> None:
        number = word(command)
        head = struct.pack(
            "<6I", number, first, second, len(data), sum(data) & 0xFFFFFFFF, number ^ 0xFFFFFFFF
        )
        with self._sending:
            self._socket.sendall(head + data)

    def drop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _take(self, command: bytes, first: int, second: int, data: bytes) -> None:
        stream = self._streams.get(second)
        if command == b"CNXN":
            self.most = min(second, LARGEST)
            if self._device.pairing:
                self.send(b"STLS", VERSION, 0)
            elif self._trusted:
                self._welcome()
            else:
                self.send(b"AUTH", TOKEN, 0, self._token)
        elif command == b"AUTH":
            self._authenticate(first, data)
        elif not self._trusted:
            raise EOFError
        elif command == b"OPEN":
            self._open(first, data.rstrip(b"\0").decode(errors="replace"))
        elif stream is None:
            if command == b"WRTE":
                self.send(b"CLSE", 0, first)
        elif command == b"WRTE":
            stream.came.put(data)
            self.send(b"OKAY", stream.ours, stream.theirs)
        elif command == b"OKAY":
            stream.taken.release()
        elif command == b"CLSE":
            stream.end()
            self._close(stream)

    def _welcome(self) -> None:
        self._trusted = True
        self.send(b"CNXN", VERSION, LARGEST, BANNER % self._device.features.encode())

    def _authenticate(self, kind: int, data: bytes) -> None:
        """Check a signature; ask the device's user about an unknown public key."""
        if kind == PUBLIC_KEY:
            if self._device.user == "allows":
                self._welcome()
            elif self._device.user == "denies":
                raise EOFError
            return
        for file in self._device.keys:
            with suppress(InvalidSignature):
                key = public_key(Path(file).read_text())
                key.verify(data, self._token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))
                return self._welcome()
        self.send(b"AUTH", TOKEN, 0, self._token)

    def _open(self, theirs: int, service: str) -> None:
        name, _, rest = service.replace(TEMP, self._device.folder).partition(":")
        kind, *flags = name.split(",")
        work: Callable[[Stream], None]
        if kind == "sync":
            work = Sync(self._device, self.drop).run
        elif kind in ("shell", "exec") and ("v2" not in flags or "shell_v2" in self._device.features):
            work = Shell(rest, "v2" in flags).run
        else:
            self.send(b"CLSE", 0, theirs)
            return
        self._opened += 1
        stream = Stream(self, self._opened, theirs)
        self._streams[stream.ours] = stream
        self.send(b"OKAY", stream.ours, theirs)
        threading.Thread(target=self._serve, args=(work, stream), daemon=True).start()

    def _serve(self, work: Callable[[Stream], None], stream: Stream) -> None:
        with suppress(*CLOSED):
            work(stream)
        with suppress(*CLOSED):
            self._close(stream)

    def _close(self, stream: Stream) -> None:
        """Answer the close of a stream by one close."""
        if self._streams.pop(stream.ours, None):
            self.send(b"CLSE", stream.ours, stream.theirs)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0, help="where to listen; else anywhere that is free")
    parser.add_argument("--keys", nargs="*", help="public keys that are trusted; without, every host is")
    parser.add_argument("--user", choices=["sleeps", "allows", "denies"], default="sleeps")
    parser.add_argument("--pairing", action="store_true")
    parser.add_argument("--features", default="shell_v2,cmd")
    parser.add_argument("--cut", type=int, default=0, help="end a transfer after so many bytes")
    parser.add_argument("--cuts", type=int, default=1, help="how often")
    parser.add_argument("--cut-how", choices=["stream", "connection"], default="stream")
    device = parser.parse_args()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # die with whoever runs the tests
    with socket.create_server(("127.0.0.1", device.port)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            sock = server.accept()[0]
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(sock, device).run, daemon=True).start()


if __name__ == "__main__":
    main()
