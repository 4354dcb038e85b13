"""Put the proxy before an agent or before a port."""

import os
import shlex
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from pathlib import Path

from hil.firmware import build
from tests.chaos.faults import Fault
from tests.chaos.isolation import die_with_parent

ROOT = Path(__file__).parents[2]
CRASH = "crash"
"""File in the folder of a faulty agent that names the signal if the agent itself crashes."""


def proxy(*words: str) -> list[str]:
    """Return the command of the proxy, which starts without the packages that it does not need."""
    return [sys.executable, "-s", "-S", "-m", "tests.chaos.proxy", *words]


def environment() -> dict[str, str]:
    """Return the variables by which the proxy finds its modules."""
    return {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}", "PATH": os.environ["PATH"]}


def faulty_agent(folder: Path, fault: Fault) -> Path:
    """Write a program that runs the real agent behind the proxy."""
    paths = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment().items())
    words = fault.dumps(), str(build.agent(build.DESKTOP)), str(folder / CRASH)
    command = shlex.join(proxy("agent", *words))
    path = folder / "faulty-agent"
    path.write_text(f"#!/bin/sh\n{paths} exec {command}\n")
    path.chmod(0o755)
    return path


def faulty_port(fault: Fault, port: int, stack: ExitStack) -> tuple[int, subprocess.Popen[bytes]]:
    """Start a proxy before a port of this machine and return its own port, and its process."""
    process = subprocess.Popen(
        proxy("port", fault.dumps(), str(port)),
        env=environment(),
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    stack.enter_context(process)
    stack.callback(process.kill)
    return int(process.stdout.readline()), process
