"""The commands of the page on a lab run, one after the other, with addresses of this machine.

The Nano of `rack-1` is an agent on a pseudo-terminal behind a real ser2net, that of `rack-2` one behind a
TCP port.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.lifetime.child import Child
from tests.hil.support.lab import PROGRAMS, programs
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.postgres import Postgres
from tests.hil.support.postgres import programs as servers
from tests.hil.support.processes import eventually
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.sshd import free_port
from tests.hil.support.suite_run import PLUGINS
from tests.support.pages import block

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
SER2NET = shutil.which("ser2net", path="/usr/sbin:/usr/bin:/usr/local/sbin")
SUDO = '#!/bin/sh\nshift 2\nexec "$@"\n'
"""Stands in for sudo: the tests' own PostgreSQL has a user of its own."""


@dataclass
class Machine:
    """A folder in which the commands of the page run.

    Attributes:
        replaced: What stands in for each address and device of the page.
        second: The board of `rack-2`.
        coordinator: TCP port of the coordinator.
    """

    folder: Path
    replaced: Mapping[str, str]
    env: Mapping[str, str]
    stack: ExitStack
    second: LabBoard
    coordinator: int

    def text(self, name: str) -> str:
        """Return a block of the page with the addresses of this machine."""
        text = block("lab.md", name)
        for theirs, ours in self.replaced.items():
            text = text.replace(theirs, ours)
        return re.sub(r"^pip install .*$", "", text, flags=re.MULTILINE)  # it is installed

    def run(self, name: str) -> str:
        """Run the commands of a block as a reader types them."""
        done = subprocess.run(
            ["sh", "-e", "-c", self.text(name)], cwd=self.folder, env=self.env,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def client(self, *words: str) -> str:
        """Call labgrid-client as somebody else."""
        command = ["labgrid-client", "-x", f"127.0.0.1:{self.coordinator}", *words]
        env = {**self.env, "LG_USERNAME": "dead-job"}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    def serve(self, command: str) -> None:
        """Start a program that stays until the test ends."""
        log = self.stack.enter_context((self.folder / "log").open("ab"))
        words = ["sh", "-c", f"exec {command}"]
        program = Child(words, cwd=self.folder, env=self.env, stdout=log, stderr=log)
        self.stack.callback(program.end)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def machine(tmp_path: Path, small_pack: Path, postgres: Postgres) -> Iterator[Machine]:
    found, there = programs(), servers()
    if found is None or there is None or SER2NET is None:
        pytest.skip("labgrid, PostgreSQL or ser2net is missing: run ci/bootstrap test")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in PROGRAMS:
        (bin_ / name).symlink_to(found / name)
    for name in ("createuser", "createdb"):
        (bin_ / name).symlink_to(there / name)
    (bin_ / "sudo").write_text(SUDO)
    (bin_ / "sudo").chmod(0o755)
    with ExitStack() as stack:
        usb = stack.enter_context(PtyBoard(nano_agent()))
        second = stack.enter_context(LabBoard())
        ports = {name: free_port() for name in ("coordinator", "nano-1")}
        (home,) = re.findall(r"host=(\S+)", postgres.dsn)
        replaced = {
            "reds@10.20.0.1/reds": f"reds@/reds?host={home}",
            "10.20.0.1:20408": f"127.0.0.1:{ports['coordinator']}",
            "tcp,10.20.0.11,5701": f"tcp,127.0.0.1,{ports['nano-1']}",
            "10.20.0.11:5701": f"127.0.0.1:{ports['nano-1']}",
            "host: 10.20.0.11, port: 5701": f"host: 127.0.0.1, port: {ports['nano-1']}",
            "10.20.0.11": "127.0.0.1",
            "serialdev,": "serialdev(nouucplock=true),",  # a pseudo-terminal has no lock of its own
            "/dev/ttyACM0": usb.port,
        }
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_", "LG_"))}
        python = Path(sys.executable).parent
        env = {
            **plain,
            **{
                "PATH": f"{bin_}{os.pathsep}{python}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
            },
            **{"HIL_PACK": str(small_pack), "HIL_SAMPLES": "5", "XDG_DATA_HOME": str(tmp_path / "data")},
            **{"PGHOST": home, "PGUSER": "hil", "PYTEST_ADDOPTS": " ".join(PLUGINS)},
        }
        made = Machine(tmp_path, replaced, env, stack, second, ports["coordinator"])
        (tmp_path / "ser2net.yaml").write_text(f"%YAML 1.1\n---\n{made.text('ser2net')}")
        made.serve(f"{SER2NET} -n -u -c ser2net.yaml")
        assert eventually(lambda: listens(ports["nano-1"]), 60)
        yield made


def test_a_board_becomes_a_shelf_of_places_with_one_database(machine: Machine) -> None:
    assert "desktop, hardware" in machine.run("desk")
    (machine.folder / "boards.toml").write_text(machine.text("boards"))
    assert "nano-1 (nano33ble), hardware" in machine.run("remote")
    machine.serve(machine.text("coordinator"))
    assert eventually(lambda: listens(machine.coordinator), 60)
    second = machine.second.resource["NetworkSerialPort"]
    exports = machine.text("exports")
    (machine.folder / "exports.yaml").write_text(exports)
    other = re.sub(r"port: \d+", f"port: {second['port']}", exports.replace("nano-1", "nano-2"))
    (machine.folder / "other.yaml").write_text(other)
    exporter = machine.text("exporter")
    for command in (exporter, exporter.replace("rack-1", "rack-2").replace("exports.yaml", "other.yaml")):
        machine.serve(command)
    machine.run("places")
    machine.run("database")
    said = machine.run("bench")
    runs = [line.split() for line in said.partition("failed\n")[2].splitlines()[-2:]]
    assert "nano-1 (nano33ble), hardware" in said
    assert "nano-2 (nano33ble), hardware" in said
    assert [run[1] for run in runs] == ["passed", "passed"], said
    assert acquired(machine) == set()
    machine.client("-p", "nano-1", "acquire")  # by a job that dies without giving it back
    assert "dead-job" in machine.run("locks")
    assert acquired(machine) == set()


def acquired(machine: Machine) -> set[str]:
    """Return the places that anybody has."""
    listed = machine.client("who")
    return {place for place in ("nano-1", "nano-2") if place in listed}
