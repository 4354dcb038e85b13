"""Add up the RAM of an inference: what the board measures, and what the plan of the subnet says."""

from dataclasses import dataclass

from hil.errors import ProtocolError

MOST_STACK, MOST_STATE = 1 << 20, 1 << 12
"""Most bytes that an inference can take of the stack, and the runtime's state of memory."""


@dataclass(frozen=True)
class Memory:
    """Bytes of RAM that one subnet takes.

    Attributes:
        arena: Tensors and scratch, by the plan of the subnet.
        stack: Deepest stack of an inference below the caller of `reds_run`, measured.
        state: The runtime's own state, a `reds_model`.
    """

    arena: int
    stack: int
    state: int

    @property
    def ram(self) -> int:
        """Return the sum."""
        return self.arena + self.stack + self.state


def check_memory(stack: int, state: int) -> None:
    """Raise `ProtocolError` if no inference can take this much stack or state, or so little."""
    for what, size, most in (("stack", stack, MOST_STACK), ("state", state, MOST_STATE)):
        if not 0 < size <= most:
            told = f"its agent says that an inference takes {size:,} bytes of {what}"
            raise ProtocolError(f"{told}, not 1 to {most:,}; upload the agent again")
