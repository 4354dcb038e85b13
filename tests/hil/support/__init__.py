"""Scripted boards, servers to reach them, and runs of the suite, for the tests of `hil`."""

from pathlib import Path

AGENTS = Path(__file__).parent / "agents"
"""C files that each spoil one thing that the runtime does, to be linked into an agent."""
