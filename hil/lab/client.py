"""Drive `labgrid-client`, the program by which people use a lab. Its Python interface is private.

labgrid brings a fork of pyserial that replaces the module `serial`. So the program may be in an environment
of its own: it is looked for on PATH, then beside the Python that runs.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hil.errors import LabError
from hil.lab.owner import Owner
from hil.lifetime.child import Child, run
from reds.text import LINE, printable

PROGRAM = "labgrid-client"
CALL_SECONDS = 20.0
"""Deadline of one call, which takes half a second; gRPC gives up an address without an answer after 20 s."""
_PRIVATE = re.compile(r"(LG_|PYTHON).*|PLACE|STATE")
"""Variables that tell the client, or its Python, what we do not mean."""
_UNREACHABLE = "Could not connect to coordinator"
_INSTALL = "install it in an environment of its own: pipx install labgrid"


@dataclass(frozen=True)
class Client:
    """Calls of the client program for one owner, at one coordinator."""

    coordinator: str
    owner: Owner

    def call(self, *words: str, seconds: float = CALL_SECONDS) -> str:
        """Return what a command prints.

        Raises:
            LabError: The program is missing, the coordinator does not answer, or the command is refused.
        """
        try:
            ended = run(self.command(*words), seconds, env=self.environment)
        except subprocess.TimeoutExpired:
            late = f"no answer within {seconds:g} s"
            raise self.unreachable(late) from None
        except OSError as error:
            raise LabError(f"{PROGRAM} cannot be run: {error.strerror}; {_INSTALL}") from error
        if ended.status:
            raise self.refused(ended.output)
        return ended.output

    def start(self, *words: str) -> Child:
        """Start a command that goes on; its output can be read, and it ends with this process."""
        try:
            return Child(
                self.command(*words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )
        except OSError as error:
            raise LabError(f"{PROGRAM} cannot be run: {error.strerror}; {_INSTALL}") from error

    def command(self, *words: str) -> list[str]:
        """Return the command line of a command. Raises `LabError` if the program is not installed."""
        return [self._program, "-x", self.coordinator, *words]

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Return the environment of the program: that of this process, with the owner.

        Its output is not kept back: a program that goes on must show what it has printed.
        """
        plain = {key: value for key, value in os.environ.items() if not _PRIVATE.fullmatch(key)}
        who = {"LG_HOSTNAME": self.owner.host, "LG_USERNAME": self.owner.username}
        return {**plain, **who, "PYTHONUNBUFFERED": "1"}

    @cached_property
    def _program(self) -> str:
        beside = Path(sys.executable).parent / PROGRAM
        found = shutil.which(PROGRAM) or (str(beside) if beside.exists() else None)
        if found is None:
            raise LabError(f"{PROGRAM} is not on PATH; {_INSTALL}")
        return found

    def unreachable(self, why: str) -> LabError:
        """Return the error for a coordinator that does not answer."""
        there = f"the coordinator {self.coordinator} cannot be reached: {printable(why)}"
        return LabError(f"{there}; check --lab, and that labgrid-coordinator runs there")

    def refused(self, output: str) -> LabError:
        """Return the error for what a command printed when it failed."""
        if _UNREACHABLE in output:
            why = re.search(r"coordinator (?:is|became) unavailable: (.*)", output)
            return self.unreachable(_cause(why[1]) if why else "it is no coordinator of labgrid")
        if said := re.search(r"Error: (.*)", output):
            look = f"see who has what: hil boards --lab {self.coordinator}"
            return LabError(f"the lab refuses: {printable(said[1], LINE)}; {look}", said=said[1])
        last = (output.strip().splitlines() or ["nothing"])[-1]
        return self.strange(last)

    def strange(self, line: str) -> LabError:
        """Return the error for output that this package cannot read."""
        known = f"{PROGRAM} printed {printable(line)!r}, which no known version prints"
        return LabError(f"{known}; install labgrid 25 or 26: pipx install labgrid==26.0.1")


def _cause(details: str) -> str:
    """Return the end of gRPC's details, which names the cause."""
    return details.rpartition("last error: ")[2].rpartition(": ")[2] or details
