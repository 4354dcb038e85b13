"""Run commands and keep files, as a device does over ADB."""

import argparse
import os
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

TEMP = "/data/local/tmp"
CLOSED = (EOFError, OSError)
PACKET = struct.Struct("<BI")
ENTRY = struct.Struct("<4sI")


class Stream(Protocol):
    """A byte stream to the host. Raises an error in `CLOSED` when the host has closed it or is gone."""

    def write(self, data: bytes) -> None: ...

    def some(self) -> bytes: ...

    def read(self, size: int) -> bytes: ...


class Shell:
    """A command; `v2` separates its output, its standard error and its exit status."""

    INPUT, OUTPUT, COMPLAINT, EXIT, END_INPUT = range(5)

    def __init__(self, script: str, v2: bool) -> None:
        self._script, self._v2 = script, v2
        self._writing = threading.Lock()

    def run(self, stream: Stream) -> None:
        error = subprocess.PIPE if self._v2 else subprocess.STDOUT
        child = subprocess.Popen(
            ["/bin/sh", "-c", self._script],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error,
        )
        threading.Thread(target=self._feed, args=(stream, child.stdin), daemon=True).start()
        pumps = [threading.Thread(target=self._pump, args=(stream, child.stdout, self.OUTPUT))]
        if self._v2:
            pumps.append(threading.Thread(target=self._pump, args=(stream, child.stderr, self.COMPLAINT)))
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        status = child.wait()
        if self._v2:
            stream.write(PACKET.pack(self.EXIT, 1) + bytes([status if status >= 0 else 0x80 | -status]))

    def _pump(self, stream: Stream, pipe: IO[bytes], kind: int) -> None:
        with suppress(*CLOSED):
            while data := os.read(pipe.fileno(), 1 << 15):
                with self._writing:
                    stream.write(PACKET.pack(kind, len(data)) + data if self._v2 else data)

    def _feed(self, stream: Stream, pipe: IO[bytes]) -> None:
        """Pass on the input until the host ends it or is gone."""
        with suppress(*CLOSED), pipe:
            while True:
                if self._v2:
                    kind, size = PACKET.unpack(stream.read(PACKET.size))
                    data = stream.read(size)
                    if kind == self.END_INPUT:
                        return
                else:
                    data = stream.some()
                pipe.write(data)


class Sync:
    """The service that stores files. `drop` closes the stream to the host."""

    def __init__(self, device: argparse.Namespace, drop: Callable[[], None]) -> None:
        self._device, self._drop = device, drop

    def run(self, stream: Stream) -> None:
        while True:
            command, size = ENTRY.unpack(stream.read(ENTRY.size))
            if command == b"QUIT":
                return
            path = stream.read(size).decode().replace(TEMP, self._device.folder)
            try:
                if command == b"STAT":
                    stream.write(self._stat(path))
                elif command == b"RECV":
                    data = Path(path).read_bytes()
                    for at in range(0, len(data), 1 << 16):
                        piece = data[at : at + (1 << 16)]
                        stream.write(ENTRY.pack(b"DATA", len(piece)) + piece)
                    stream.write(ENTRY.pack(b"DONE", 0))
                elif command == b"SEND":
                    self._store(path, list(self._pieces(stream)))
                    stream.write(ENTRY.pack(b"OKAY", 0))
                else:
                    raise OSError(0, f"unknown command {command!r}")
            except EOFError:
                raise
            except OSError as error:
                reason = str(error.strerror).encode()
                stream.write(ENTRY.pack(b"FAIL", len(reason)) + reason)

    def _stat(self, path: str) -> bytes:
        try:
            found = os.lstat(path)
        except OSError:
            return struct.pack("<4s3I", b"STAT", 0, 0, 0)
        return struct.pack("<4s3I", b"STAT", found.st_mode, found.st_size, int(found.st_mtime))

    def _pieces(self, stream: Stream) -> Iterator[bytes]:
        came = 0
        while True:
            kind, size = ENTRY.unpack(stream.read(ENTRY.size))
            if kind != b"DATA":
                return
            yield stream.read(size)
            came += size
            if self._device.cut and came >= self._device.cut and self._cuts_again():
                if self._device.cut_how == "connection":
                    self._drop()
                raise EOFError

    def _cuts_again(self) -> bool:
        self._device.cuts -= 1
        return bool(self._device.cuts >= 0)

    def _store(self, path: str, pieces: list[bytes]) -> None:
        file, _, mode = path.rpartition(",")
        Path(file).write_bytes(b"".join(pieces))
        os.chmod(file, int(mode) & 0o777)
