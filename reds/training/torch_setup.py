"""Set torch up so that a training repeats its bits and does not lose time to the operating system."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

MALLOC_OPTIONS = {-1: 1 << 30, -2: 1 << 27, -3: 1 << 25}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (its largest), in bytes."""

CAPS = "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA"
"""Environment variables that keep torch and its libraries from instruction sets."""


def make_repeatable() -> None:
    """Make torch repeat its bits, and make the process keep the memory that torch frees.

    Torch runs one thread with deterministic kernels, and leaves new tensors unfilled. The activations of a
    minibatch take megabytes. With glibc's defaults each goes back to the operating system when it is freed
    and returns one page fault at a time, which takes up to half of an epoch.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats its bits only with this
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Torch would fill every new tensor, to show reads of values never written; that costs a third.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for option, size in MALLOC_OPTIONS.items() if hasattr(libc, "mallopt") else ():
            libc.mallopt(option, size)


@contextmanager
def repeatable() -> Iterator[None]:
    """Make torch repeat its bits inside a with block, then restore its settings and random state."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = [torch.cuda.current_device()] if training_device().type == "cuda" else []
    make_repeatable()
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic, warn_only=warns)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def training_device() -> torch.device:
    """Return the device that trains: a GPU if torch has one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def processor() -> str:
    """Return the name of the training device, as far as it decides the bits: a GPU's model, or `cpu`."""
    return torch.cuda.get_device_name() if training_device().type == "cuda" else "cpu"


def instructions() -> str:
    """Name the instruction sets that torch uses: they decide the order of sums, and so the bits."""
    return " ".join([torch.backends.cpu.get_cpu_capability(), *(os.environ.get(name, "") for name in CAPS)])


def random_state(device: torch.device) -> torch.Tensor:
    """Return the state of the device's default generator, from which dropout draws."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(device: torch.device, state: torch.Tensor) -> None:
    """Set the state of the device's default generator."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
