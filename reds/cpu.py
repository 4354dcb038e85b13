"""How torch runs on this machine: the same bits every time, and no time lost to the operating system."""

import ctypes
import sys

import torch

KEPT = {-1: 1 << 30, -2: 1 << 27, -3: 1 << 25}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (its largest), in bytes."""


def prepare() -> None:
    """One thread and deterministic kernels, which no call fills memory for; freed memory is kept.

    Activations of a minibatch are megabytes. As glibc is set, each goes back to the kernel when it is freed
    and comes again a page fault at a time, which is up to half of an epoch.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # torch would fill every new tensor, to show reads of what is not there yet; that costs a third.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for option, size in KEPT.items() if hasattr(libc, "mallopt") else ():
            libc.mallopt(option, size)
