"""Say which process of `torchrun` this one is, without importing torch, which takes seconds."""

import os


def processes() -> int:
    """Return how many processes `torchrun` started to work together; 1 without it."""
    return _number("WORLD_SIZE", 1) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def rank() -> int:
    """Return the number of this process among them, from 0. Only the first one writes and prints."""
    return _number("RANK", 0) if processes() > 1 else 0


def on_this_machine() -> int:
    """Return how many of these processes share the CPUs of this machine."""
    return max(1, _number("LOCAL_WORLD_SIZE", 1)) if processes() > 1 else 1


def _number(name: str, default: int) -> int:
    """Return a whole number of the environment, or the default where there is none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else default
