"""What the tests of `hil` share: scripted boards, servers to reach them by, and runs of the suite."""

from pathlib import Path

AGENTS = Path(__file__).parent / "agents"
"""C files that each spoil one thing that the runtime does, to be linked into an agent."""
