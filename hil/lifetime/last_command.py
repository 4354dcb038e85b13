"""Have a command run when this process ends without a chance to do so itself."""

import json
from collections.abc import Mapping, Sequence

from hil.lifetime.guard import order, tell


class LastCommand:
    """A command that the guard runs after this process has ended, however it ends, unless it is forgotten.

    Args:
        command: The program, by its whole path, and its arguments.
        environment: What its environment has besides that of this process.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._value = json.dumps([list(command), dict(environment)]).encode().hex()
        tell(order("+", "command", self._value))

    def forget(self) -> None:
        """Do not run the command."""
        tell(order("-", "command", self._value))
