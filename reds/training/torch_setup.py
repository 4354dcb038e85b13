"""Set torch up so that a training repeats its bits and does not lose time to the operating system."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from reds import torchrun

MALLOC_OPTIONS = {-1: 1 << 30, -2: 1 << 27, -3: 1 << 25}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (its largest), in bytes."""

CAPS = "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA"
"""Environment variables that keep torch and its libraries from instruction sets."""


MACS_PER_THREAD = 1 << 29
"""Multiply-accumulates of a minibatch's forward pass for which another thread pays. The threads of a smaller
net mostly wait for each other, and on a busy machine for the slowest of them.
"""


CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""File of cgroup version 2: microseconds of CPU in a period, or `max`, and the period."""


def threads_for(macs: int, at_once: int = 1) -> int:
    """Return how many threads of torch train a net fastest, at most this process's share of the CPUs.

    Args:
        macs: Multiply-accumulates of the forward pass of one minibatch, which all processes share.
        at_once: Trainings that share the CPUs.
    """
    cpus = available_cpus() // (at_once * torchrun.on_this_machine())
    return max(1, min(cpus, macs // torchrun.processes() // MACS_PER_THREAD))


def available_cpus() -> int:
    """Return how many CPUs this process may use: those it is bound to, within the quota of its cgroup."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return max(1, min(bound, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup of version 2, or `max`: no quota
        return bound


def make_repeatable(threads: int = 1) -> None:
    """Make torch repeat its bits, and make the process keep the memory that torch frees.

    Torch runs deterministic kernels, and leaves new tensors unfilled. The number of threads decides the order
    of sums, and so the bits. The activations of a minibatch take megabytes. With glibc's defaults each goes
    back to the operating system when it is freed and returns one page fault at a time, which takes up to half
    of an epoch.

    Args:
        threads: Threads of torch.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats its bits only with this
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Torch would fill every new tensor, to show reads of values never written; that costs a third.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for option, size in MALLOC_OPTIONS.items() if hasattr(libc, "mallopt") else ():
            libc.mallopt(option, size)


@contextmanager
def repeatable(threads: int = 1) -> Iterator[None]:
    """Make torch repeat its bits inside a with block, then restore its settings and random state."""
    before, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = [torch.cuda.current_device()] if training_device().type == "cuda" else []
    make_repeatable(threads)
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        torch.set_num_threads(before)
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
