"""Serve a serial port by a real ser2net on 127.0.0.1, as the exporter of a lab does."""

import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from hil.lifetime.child import Child
from hil.transports.deadline import Deadline
from hil.transports.network_port import RAW, TELNET
from tests.hil.support.sshd import LISTENING_SECONDS, free_port

_GENSIOS = {RAW: "tcp", TELNET: "telnet(rfc2217),tcp"}


class Ser2net:
    """A server of one serial port.

    Args:
        folder: Folder of the test.
        device: The serial port.
        scheme: How it is carried, `RAW` or `TELNET`.
        options: Lines of the connection's options.
    """

    def __init__(self, folder: Path, device: str, scheme: str, options: str = "") -> None:
        program = shutil.which("ser2net", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            pytest.fail("no ser2net on this machine: install ser2net")
        self._port = free_port()
        self.port = f"{scheme}://127.0.0.1:{self._port}"
        config = folder / "ser2net.yaml"
        more = f"\n  options:\n    {options}" if options else ""
        config.write_text(
            "%YAML 1.1\n---\nconnection: &board\n"
            f"  accepter: {_GENSIOS[scheme]},127.0.0.1,{self._port}\n"
            f"  connector: serialdev(nouucplock=true),{device},115200n81,local{more}\n"
        )
        self._process = Child([program, "-n", "-u", "-c", str(config)], stderr=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        deadline = Deadline.after(LISTENING_SECONDS)
        while not deadline.passed and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return self
        self.__exit__()
        pytest.fail("ser2net does not start")

    def __exit__(self, *error: object) -> None:
        self._process.end()
