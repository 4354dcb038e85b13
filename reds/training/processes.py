"""Share one training among the processes that `torchrun` started: by gloo on CPUs, by nccl on GPUs.

Every process draws the same minibatches and takes its share of each. Gradients, statistics of batch norms and
correct answers are summed over all processes, so all take the same steps. Subnets and activation ranges are
chosen once, by the first process. A process that was not started by `torchrun` shares with nobody.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import current_thread, main_thread
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from reds import torchrun
from reds.errors import LostProcessError, RedsError, SettingsError

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)
"""Longest time that a process waits for another, as all do while the first one quantizes."""


def count() -> int:
    """Return how many processes share the training."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_first() -> bool:
    """Return whether this process writes and prints: the first one does, also after the training."""
    return (dist.get_rank() if dist.is_initialized() else torchrun.rank()) == 0


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that `torchrun` started; a group that the caller has joined already is used.

    Raises:
        SettingsError: There are more processes on this machine than GPUs.
        LostProcessError: Another process has ended, or does not answer.
    """
    if dist.is_initialized() or torchrun.processes() == 1:
        yield
        return
    backend = "gloo"
    if torch.cuda.is_available():
        backend, local, gpus = "cpu:gloo,cuda:nccl", int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= gpus:
            raise SettingsError(
                f"torchrun: {torchrun.on_this_machine()} processes on a machine of {gpus} GPUs: start one for"
                " each GPU with --nproc-per-node"
            )
        torch.cuda.set_device(local)
    with _told_of_the_end():
        with _told_of_lost():
            dist.init_process_group(backend, timeout=PATIENCE)
        try:
            yield
        finally:
            dist.destroy_process_group()


def share(x: Tensor) -> Tensor:
    """Return the examples of x [N, ...] that this process takes: every n-th one of n processes."""
    return x[rank() :: count()] if count() > 1 else x


def add_up(x: Tensor) -> Tensor:
    """Replace x by its sum over all processes, and return it."""
    if count() > 1:
        with _told_of_lost():
            dist.all_reduce(x)
    return x


def add_up_gradients(net: nn.Module) -> None:
    """Replace the gradients of a net by their sums over all processes, in one message."""
    if count() == 1:
        return
    gradients = [own.grad for own in net.parameters() if own.grad is not None]
    summed = add_up(torch.cat([each.flatten() for each in gradients]))
    for each, total in zip(gradients, torch.split(summed, [each.numel() for each in gradients]), strict=True):
        each.copy_(total.view_as(each))


def gathered(x: Tensor) -> Tensor:
    """Return x [...] of all processes, in their order: [processes, ...]."""
    every = [torch.empty_like(x) for _ in range(count())]
    with _told_of_lost():
        dist.all_gather(every, x)
    return torch.stack(every)


def gathered_states(state: Tensor) -> list[Tensor]:
    """Return a tensor on the CPU of all processes, in their order, whatever device trains."""
    every: list[Any] = [state]
    if count() > 1:
        every = [None] * count()
        with _told_of_lost():
            dist.all_gather_object(every, state)
    return every


def agree(net: nn.Module) -> None:
    """Give all processes the weights and statistics of the first one, whose processor may round otherwise."""
    if count() > 1:
        with _told_of_lost():
            for value in net.state_dict().values():
                dist.broadcast(value, 0)


def from_first(choose: Callable[[], T]) -> T:
    """Let the first process choose, and return its choice in all; an expected error is raised in all too.

    Raises:
        RedsError: The first process raised it.
        OSError: The first process raised it.
    """
    if count() == 1:
        return choose()
    told: list[Any] = [None, None]
    if is_first():
        try:
            told[0] = choose()
        except (RedsError, OSError) as error:
            told[1] = error
    with _told_of_lost():
        dist.broadcast_object_list(told, 0)
    if told[1] is not None:
        raise told[1]
    chosen: T = told[0]
    return chosen


def first_before_others(run: Callable[[], T]) -> T:
    """Run in the first process, and then in the others, which find there what the first one made."""
    kept: list[T] = []
    from_first(lambda: kept.append(run()))
    return kept[0] if kept else run()


@contextmanager
def _told_of_lost() -> Iterator[None]:
    """Raise `LostProcessError` where a message to or from another process fails."""
    try:
        yield
    except RuntimeError as error:  # torch's errors of gloo, nccl and its own sockets
        raise LostProcessError(torchrun.rank(), torchrun.processes()) from error


@contextmanager
def _told_of_the_end() -> Iterator[None]:
    """Raise `LostProcessError` where torchrun ends this process, which it does when another has ended."""
    if current_thread() is not main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise LostProcessError(torchrun.rank(), torchrun.processes())

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
