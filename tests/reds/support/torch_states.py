"""States of torch that a script may have set before it calls a stage."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch


class DefaultType(AbstractContextManager[None]):
    """Make new tensors float64, as some scripts do."""

    def __enter__(self) -> None:
        torch.set_default_dtype(torch.float64)

    def __exit__(self, *_: object) -> None:
        torch.set_default_dtype(torch.float32)


MODES: list[Callable[[], AbstractContextManager[Any]]] = [
    lambda: torch.autocast("cpu", torch.bfloat16),
    torch.no_grad,
    torch.inference_mode,
]
STATES = [*MODES, DefaultType, lambda: torch.device("meta")]
"""Modes of torch, and other defaults of new tensors."""
