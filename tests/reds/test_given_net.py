"""A user's own net that int8 cannot hold is refused before it is trained, and only such a net."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import reds
from reds.data.examples import Examples
from reds.data.options import DataOptions
from reds.errors import SettingsError
from reds.experiment.given_net import given_net

X, Y = torch.randn(64, 8, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 4


def taken(module: nn.Module) -> reds.ElasticNet:
    data = reds.Dataset((X, Y), (X, Y), (X, Y)).stored("mine")
    examples = Examples(data, DataOptions("mine"), reds.AugmentationOptions())
    return given_net(reds.from_module(module, (8,)), examples, "mine", 0)


def dense(*between: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), *between, nn.Linear(16, 4))


def changed(module: nn.Sequential, change: Callable[[nn.Sequential], object]) -> nn.Sequential:
    change(module)
    return module


@pytest.mark.parametrize(
    "module",
    [
        changed(dense(nn.ReLU()), lambda m: m[0].bias.data.fill_(-100)),
        changed(dense(nn.BatchNorm1d(16), nn.ReLU()), lambda m: m[1].bias.data.fill_(-100)),
        dense(nn.Hardtanh(0, 1e-6)),
    ],
)
def test_a_layer_that_no_gradient_passes_is_refused_by_name(module: nn.Sequential) -> None:
    with pytest.raises(SettingsError, match=r"^net: .*, 0 \(Linear\): "):
        taken(module)


@pytest.mark.parametrize(
    "module",
    [
        dense(nn.ReLU()),
        changed(dense(nn.ReLU()), lambda m: [p.data.zero_() for p in m.parameters()]),
        changed(dense(nn.ReLU()), lambda m: m[0].bias.data[:15].fill_(-100)),
        changed(dense(nn.BatchNorm1d(16), nn.ReLU()), lambda m: m[1].running_mean.fill_(1e6)),
        changed(dense(nn.BatchNorm1d(16), nn.ReLU()), lambda m: m[1].running_var.fill_(1e12)),
        changed(dense(nn.BatchNorm1d(16), nn.ReLU()), lambda m: m[1].weight.data.zero_()),
    ],
)
def test_what_training_can_mend_is_taken_as_it_is(module: nn.Sequential) -> None:
    given, net = reds.from_module(module, (8,)).state_dict(), taken(module).state_dict()
    assert all(torch.equal(value, net[name]) for name, value in given.items())
