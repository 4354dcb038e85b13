"""Describe an agent without an operating system, which `targets/bare_metal/Makefile` builds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class BareMetal:
    """An agent.

    Attributes:
        board: Name of its board in its hello.
        folder: Folder of its port, by its name in `targets` or by its path.
        compiler: C compiler that builds it.
        options: Further variables of the Makefile, by name.
    """

    board: str
    folder: str | Path
    compiler: str = "arm-none-eabi-gcc"
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def tools(self) -> tuple[str, ...]:
        """Return the programs that build it."""
        return ("make", self.compiler)
