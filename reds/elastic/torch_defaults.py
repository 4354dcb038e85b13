"""Compute with the defaults of torch, whatever modes and defaults a caller has set."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Make new tensors float32 on the CPU, with gradients and without autocast, inside a with block."""
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    torch.set_default_dtype(torch.float32)
    on_cpu = nullcontext() if device.type == "cpu" else torch.device("cpu")
    try:
        with on_cpu, torch.autocast("cpu", enabled=False), torch.inference_mode(False):
            yield
    finally:
        torch.set_default_dtype(dtype)
