"""Report a broken rule of a model."""

from reds.errors import ModelError


def expect(holds: bool, problem: str) -> None:
    """Raise `ModelError` with the problem unless the rule holds."""
    if not holds:
        raise ModelError(problem)
