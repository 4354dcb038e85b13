"""Train a tiny net in each of the processes that torchrun starts, and write what each one got.

    torchrun --nproc-per-node=2 -m tests.reds.support.shared_training FOLDER

Each process writes RANK.pt: by name, the tensors of the steps below. Without torchrun one process does all.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from reds.data.examples import Examples
from reds.data.load import speech_data
from reds.data.options import AugmentationOptions, DataOptions
from reds.elastic.net import ElasticNet, nest
from reds.errors import SettingsError
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.training import processes
from reds.training.checkpoint import Checkpoint
from reds.training.losses import backward, loss_shares
from reds.training.options import TrainingOptions
from reds.training.report import Report
from reds.training.synchronized_norm import synchronized
from reds.training.tasks import Classes
from reds.training.torch_setup import make_repeatable
from reds.training.trainer import train
from tests.reds.support.speech import tiny_speech
from tests.reds.support.subnets import specs

WIDTHS = ((1, 4, 4, 12), (1, 6, 6, 12), (1, 8, 8, 12))
HOW = TrainingOptions(epochs=8, batch=33, rate=2e-2, weight_decay=0.01, smoothing=0.1)


class StoppedError(Exception):
    """End a training in the middle."""


class StopsAfter(Report):
    """End the training after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def epoch(self, number: int, accuracies: Sequence[float]) -> None:
        if number == self.last:
            raise StoppedError


def graph() -> Graph:
    """A small convolutional net on the sounds' 25 frames of 10 coefficients."""
    build = Builder(1, 25, 10)
    x = build.conv(build.input, 8, (5, 3), (3, 2))
    x = build.conv(x, 8, (3, 3), (2, 2))
    build.dense(build.pool(x), 12, relu=False, norm=False)
    return build.build()


def net() -> ElasticNet:
    torch.manual_seed(0)
    return nest(ElasticNet(graph()), specs(*WIDTHS))


def examples() -> Examples:
    how = AugmentationOptions(shift_rows=2, shift_columns=0, flip=False, mixup=0.3)
    return Examples(speech_data(tiny_speech()), DataOptions(set="speech-commands", every=2), how)


def state(of: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in of.state_dict().items()}


def first_step(data: Examples) -> dict[str, Tensor]:
    """The gradients of one minibatch of 33 examples, and the statistics that its batch norms keep."""
    shared, generator = net().train(), torch.Generator().manual_seed(3)
    batch = data.batches(33, generator)[0]
    x, target = (processes.share(each) for each in data.augmented(batch, generator))
    with synchronized(shared):
        backward(shared, x, target, Classes(), [len(x) / 33 * each for each in loss_shares(shared)], 0.5, 0)
        processes.add_up_gradients(shared)
    gradients = {f"gradient {n}": p.grad for n, p in shared.named_parameters() if p.grad is not None}
    return gradients | {f"statistic {n}": value.clone() for n, value in shared.named_buffers()}


def resumed(data: Examples, how: TrainingOptions) -> dict[str, Tensor]:
    """The weights of a training with dropout that was stopped after its first epoch and continued."""
    kept, trained = Checkpoint(), net()
    with suppress(StoppedError):
        train(trained, data, how, report=StopsAfter(1), checkpoint=kept)
    torch.manual_seed(99)
    continued = net()
    train(continued, data, how, checkpoint=kept)
    return state(continued)


def main(folder: Path) -> None:
    make_repeatable()
    data, kept = examples(), {}
    with processes.joined():
        kept["step"] = first_step(data)
        trained = net()
        accuracies = train(trained, data, HOW)
        kept["trained"] = state(trained) | {"accuracies": torch.tensor(accuracies)}
        dropping = TrainingOptions(epochs=2, batch=32, dropout=0.2)
        whole = net()
        train(whole, data, dropping)
        kept["whole"], kept["resumed"] = state(whole), resumed(data, dropping)
        if processes.count() > 1:
            build = Builder(250)
            build.dense(build.input, 12, relu=False, norm=False)
            try:
                train(ElasticNet(build.build()), data, TrainingOptions(epochs=1, batch=1))
            except SettingsError as error:
                kept["refused"] = str(error)
            try:
                processes.from_first(lambda: Path("/nowhere/at/all").read_bytes())
            except FileNotFoundError:
                kept["told"] = True
        torch.save(kept, folder / f"{processes.rank()}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
