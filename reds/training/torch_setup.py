"""How and where torch runs: the same bits every time, and no time lost to the operating system."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

KEPT = {-1: 1 << 30, -2: 1 << 27, -3: 1 << 25}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (its largest), in bytes."""


def prepare() -> None:
    """Make torch repeat its bits, and keep freed memory.

    One thread and deterministic kernels, which no call fills memory for. Activations of a minibatch are
    megabytes: as glibc is set, each goes back to the kernel when it is freed and comes again a page fault at
    a time, which is up to half of an epoch.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats its bits only with this
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # torch would fill every new tensor, to show reads of what is not there yet; that costs a third.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for option, size in KEPT.items() if hasattr(libc, "mallopt") else ():
            libc.mallopt(option, size)


@contextmanager
def repeatable() -> Iterator[None]:
    """Make torch repeat its bits for a while; then its threads and determinism are as they were."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    prepare()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def fastest() -> torch.device:
    """Where training runs: a GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def processor() -> str:
    """What that is, as far as it decides the bits."""
    return torch.cuda.get_device_name() if fastest().type == "cuda" else "cpu"


def random_state(place: torch.device) -> torch.Tensor:
    """Of what draws there without a generator of its own, as dropout does."""
    return torch.cuda.get_rng_state(place) if place.type == "cuda" else torch.get_rng_state()


def set_random_state(place: torch.device, state: torch.Tensor) -> None:
    """Go on drawing from there."""
    if place.type == "cuda":
        torch.cuda.set_rng_state(state, place)
    else:
        torch.set_rng_state(state)
