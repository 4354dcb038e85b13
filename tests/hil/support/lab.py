"""A lab of labgrid on 127.0.0.1: a real coordinator, real exporters and places, in a temporary folder.

    with LabBoard() as nano, Lab({"nano-1": {"board": "nano33ble"}}) as lab:
        lab.export("rack-1", {"nano-1": nano.resource})
        run_pytest(folder, "--pyargs", "hil", f"--lab={lab.address}", env=lab.environment)

A place has the name of the group of its resources at an exporter. All programs end with the `with` block, or
with this process, however it ends. labgrid is in an environment of its own (ci/bootstrap makes it in
.venv/labgrid), as its fork of pyserial replaces the module that hil uses.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from hil.lifetime.child import Child
from hil.lifetime.folder import TemporaryFolder
from tests.hil.support.processes import eventually

Resources = Mapping[str, Mapping[str, Any]]
"""Resources by place, each as labgrid's exports.yaml has them: class, then parameters."""
PROGRAMS = ("labgrid-client", "labgrid-coordinator", "labgrid-exporter")
START_SECONDS = 60.0
CALL_SECONDS = 60.0


def programs() -> Path | None:
    """Return the folder of labgrid's programs, None if they are not installed."""
    for folder in (Path(sys.prefix) / "labgrid" / "bin", Path(sys.executable).parent):
        if all((folder / name).exists() for name in PROGRAMS):
            return folder
    found = shutil.which(PROGRAMS[0])
    return Path(found).parent if found else None


class Program:
    """A running program of labgrid. Its output goes to a file, which `said` reads."""

    def __init__(self, command: list[str], folder: Path, log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = Child(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def said(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """Wait until the output matches a pattern."""
        eventually(lambda: re.search(pattern, self._text()) or not self.running, seconds)
        found = re.search(pattern, self._text())
        assert found, f"{self._log.name} did not say {pattern!r}: {self._text()[-2000:]}"
        return found

    def wait(self) -> int:
        return self._process.wait(START_SECONDS)

    def terminate(self) -> None:
        """Ask the program to end, and wait for it."""
        os.kill(self.pid, signal.SIGTERM)
        self.wait()

    def kill(self) -> None:
        """Kill the program, and wait for its end."""
        self._process.end()

    def _text(self) -> str:
        return self._log.read_text(errors="replace")


class Lab:
    """A coordinator with these places, each with its tags. `address` is where it listens."""

    def __init__(self, places: Mapping[str, Mapping[str, str]], host: str = "127.0.0.1") -> None:
        self._places, self._host = places, host
        self._folder = TemporaryFolder("lab")
        self.folder = self._folder.path
        self._exporters: dict[str, Program] = {}
        self._exports: dict[str, list[str]] = {}
        self._coordinator: Program | None = None
        self.address = f"{host}:0"

    def __enter__(self) -> Self:
        found = programs()
        assert found is not None, "no labgrid on this machine: run ci/bootstrap test"
        try:
            self._bin = self.folder / "bin"
            self._bin.mkdir()
            for name in PROGRAMS:  # only these: the folder has a python of its own, too
                (self._bin / name).symlink_to(found / name)
            places = {
                name: {"tags": dict(tags), "matches": [_match(name)]} for name, tags in self._places.items()
            }
            (self.folder / "places.yaml").write_text(json.dumps(places))  # JSON is YAML
            self.start_coordinator()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for program in (*self._exporters.values(), *([self._coordinator] if self._coordinator else [])):
            program.kill()
        self._folder.remove()

    @property
    def environment(self) -> dict[str, str]:
        """Return variables with which `labgrid-client` is found; they do not name the coordinator."""
        return {"PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}"}

    @property
    def coordinator(self) -> Program:
        assert self._coordinator is not None
        return self._coordinator

    @property
    def exporters(self) -> Mapping[str, Program]:
        """Return the exporters by name, ended ones included."""
        return self._exporters

    def start_coordinator(self) -> None:
        """Start the coordinator, again at its old address if it has ended; it forgets who had the places."""
        command = [str(self._bin / "labgrid-coordinator"), "-l", self.address]
        self._coordinator = Program(command, self.folder, self.folder / "coordinator.log")
        port = self._coordinator.said(r"listening on \S+:(\d+)")[1]
        self.address = f"{self._host}:{port}"

    def export(self, name: str, resources: Resources, hostname: str = "127.0.0.1") -> None:
        """Start an exporter with this name, and wait until the coordinator lists its resources."""
        file = self.folder / f"{name}.yaml"
        file.write_text(json.dumps(resources))
        where = ["-c", self.address, "-n", name, "--hostname", hostname]
        self._exports[name] = [str(self._bin / "labgrid-exporter"), *where, str(file)]
        self.start_exporters([name])

    def start_exporters(self, names: Iterable[str] | None = None) -> None:
        """Start exporters that have ended, by default all; an exporter ends with its coordinator."""
        chosen = list(names or self._exports)
        for name in chosen:
            self._exporters[name] = Program(self._exports[name], self.folder, self.folder / f"{name}.log")
        wanted = {f"{name}/{group}/" for name in chosen for group in self._groups(name)}
        listed = eventually(lambda: wanted <= self._listed(), START_SECONDS)
        assert listed, f"exporters {chosen} did not export {wanted - self._listed()}"

    def client(self, *arguments: str, user: str = "tester", check: bool = True) -> str:
        """Call labgrid-client as a user of another machine; return what it prints."""
        done = subprocess.run(
            [str(self._bin / "labgrid-client"), "-x", self.address, *arguments],
            env={**os.environ, **self.environment, "LG_USERNAME": user, "LG_HOSTNAME": "elsewhere"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, f"labgrid-client {arguments}: {done.stdout}"
        return done.stdout

    def owners(self) -> dict[str, str]:
        """Return the owners of the places that are acquired, by place."""
        found = re.findall(r"^Place '(.+)':\n((?:  .*\n?)*)", self.client("-v", "places"), re.MULTILINE)
        owned = {name: re.search(r"^  acquired: (.+)$", text, re.MULTILINE) for name, text in found}
        return {name: match[1] for name, match in owned.items() if match and match[1] != "None"}

    def reservations(self) -> list[str]:
        """Return the tokens of all reservations."""
        return re.findall(r"^Reservation '(\w+)'", self.client("reservations"), re.MULTILINE)

    def _groups(self, exporter: str) -> list[str]:
        return list(json.loads((self.folder / f"{exporter}.yaml").read_text()))

    def _listed(self) -> set[str]:
        lines = self.client("resources", check=False).split()
        return {"/".join(line.split("/")[:2]) + "/" for line in lines if line.count("/") >= 2}


def _match(group: str) -> dict[str, str | None]:
    return {"exporter": "*", "group": group, "cls": "*", "name": None, "rename": None}
