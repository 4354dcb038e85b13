"""Modules, and torch itself, in states that users have them: the same function, or the part named."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import reds
from reds.data.examples import Examples
from reds.data.options import DataOptions
from reds.elastic.standardized import read_standardized
from reds.errors import NotElasticError
from reds.pack.scale import Standardization
from reds.quantization.calibrate import ranges
from tests.reds.support.modules import Calls, conv, same_function
from tests.reds.support.torch_states import MODES, STATES, DefaultType


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))


def changed(change: Callable[[nn.Sequential], object]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        module = mlp()
        change(module)
        return module

    return make


class Masked(nn.Module):
    """A forward with further parameters, as those of many libraries have."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4)

    def forward(self, x: Tensor, mask: Tensor | None = None, *more: Tensor, **options: Any) -> Tensor:
        return self.layer(x if mask is None else x * mask)


class Twice(nn.Module):
    """A wrapped layer that has two names."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.DataParallel(nn.Linear(8, 8))
        self.b, self.c = self.a, nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(F.relu(self.b(F.relu(self.a(x)))))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(8, 4),
        Masked,
        Twice,
        changed(lambda m: parametrizations.weight_norm(m[0])),
        changed(lambda m: parametrizations.spectral_norm(m[0])),
        changed(lambda m: prune.remove(prune.l1_unstructured(m[0], "weight", 0.5), "weight")),
        changed(lambda m: m.compile()),
        changed(lambda m: m.requires_grad_(False)),
        changed(lambda m: m.register_buffer("best_loss", torch.tensor(float("inf")))),
        lambda: torch.fx.symbolic_trace(mlp()),
    ],
)
def test_a_module_that_torch_runs_becomes_a_net_of_the_same_function(make: Callable[[], nn.Module]) -> None:
    same_function(make(), 8)


def on_meta() -> nn.Module:
    with torch.device("meta"):
        return mlp()


def with_dead_variance() -> nn.Module:
    module = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6, eps=0), nn.Linear(6, 2))
    module[1].running_var[2] = 0
    return module


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "on meta": (on_meta, r"^Sequential: 0\.weight .*meta"),
    "sparse": (changed(lambda m: setattr(m[0], "weight", nn.Parameter(m[0].weight.data.to_sparse()))),
               r"^Sequential: 0\.weight is sparse"),
    "complex": (changed(lambda m: setattr(m[0], "weight", nn.Parameter(m[0].weight.data.cfloat()))),
                r"^Sequential: 0\.weight holds complex"),
    "with a lock": (changed(lambda m: setattr(m[1], "lock", threading.Lock())), r"^Sequential: 1\.lock "),
    "pruned": (changed(lambda m: prune.l1_unstructured(m[0], "weight", 0.5)), r"prune\.remove"),
    "quantized": (lambda: torch.ao.quantization.quantize_dynamic(mlp(), {nn.Linear}),
                  r"^Sequential: 0 \(Linear\)"),
    "with observers": (lambda: nn.Sequential(torch.ao.quantization.QuantStub(), mlp()), "QuantStub"),
    "exported": (lambda: torch.export.export(mlp().eval(), (torch.zeros(2, 8),)), "exported from"),
    "a class": (lambda: nn.Flatten, r"Flatten\(\)"),
    "weights alone": (lambda: mlp().state_dict(), "load_state_dict"),
    "times 0": (lambda: Calls(lambda m, x: x + m.gain * F.relu(m.a(x)), a=nn.Linear(8, 8),
                              gain=nn.Parameter(torch.tensor(0.0))), "^mul multiplies by 0"),
    "each unit repeated": (lambda: Calls(lambda m, x: m.a(x.repeat_interleave(2, dim=1)), a=nn.Linear(16, 4)),
                           "repeat"),
    "without a weight": (lambda: Calls(lambda m, x: F.relu(x + x)), "^Calls: it has no convolution"),
    "outputs beyond float32": (changed(lambda m: [p.data.mul_(1e30) for p in m.parameters()]),
                               r"2 \(Linear\)"),
    "a norm without variance": (with_dead_variance, r"1 \(BatchNorm1d\)"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_a_module_that_no_net_stands_for_is_refused_by_part(what: str) -> None:
    make, match = REFUSED[what]
    with pytest.raises(NotElasticError, match=match):
        reds.from_module(make(), (8,))


@pytest.mark.parametrize(
    "pool", [lambda x: x.mean((-1, -2))[:, None], lambda x: F.max_pool2d(x, 1), lambda x: F.avg_pool2d(x, 1)]
)
def test_a_pool_over_other_than_positions_is_refused(pool: Callable[[Tensor], Tensor]) -> None:
    module = Calls(
        lambda m, x: m.last(pool(F.adaptive_avg_pool2d(m.a(x), 1).squeeze(-1)).flatten(1)),
        a=conv(), last=nn.LazyLinear(2),
    )  # fmt: skip
    module(torch.zeros(1, 3, 6, 6))
    with pytest.raises(NotElasticError, match=r"pools \[3, 4, 1\]|reduces units"):
        reds.from_module(module, (3, 6, 6))


@pytest.mark.parametrize("shape", [(10**15,), (1000, 10**5, 10**5)])
def test_an_input_beyond_the_pack_is_refused_before_memory_is_taken(shape: tuple[int, ...]) -> None:
    with pytest.raises(NotElasticError, match="4,194,304"):
        reds.from_module(nn.Flatten(), shape)


def test_a_shape_of_numpy_is_a_shape() -> None:
    assert reds.from_module(mlp(), tuple(np.array([8]))).graph.full == (8, 6, 4)


def trained(state: AbstractContextManager[Any]) -> dict[str, Tensor]:
    """The weights after all stages inside a state of torch."""
    torch.manual_seed(0)
    module, x, y = mlp(), torch.randn(64, 8), torch.arange(64) % 4
    data = reds.Dataset((x, y), (x, y), (x, y)).stored("mine")
    with state:
        full = reds.from_module(module, (8,))
        examples = Examples(data, DataOptions("mine"), reds.AugmentationOptions())
        scores = reds.score(full, [examples.plain(16, torch.Generator().manual_seed(0))]).units
        net = reds.nest(full, reds.select(full.graph, scores, [1.0]))
        reds.train(net, examples, reds.JointOptions(epochs=1, batch=16))
    return net.state_dict()


@pytest.mark.parametrize("state", MODES)
def test_a_mode_of_torch_changes_no_stage(state: Callable[[], AbstractContextManager[Any]]) -> None:
    expected, found = trained(nullcontext()), trained(state())
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_torch_changes_neither_ranges_nor_weights_for_standardized_features(
    state: Callable[[], AbstractContextManager[Any]],
) -> None:
    one, other = (reds.from_module(module, (8,)) for module in [mlp()] * 2)
    x, far = torch.randn(64, 8), Standardization((80.0,) * 8, (13.0,) * 8)
    read_standardized(one, far)
    expected = ranges(one, x, [99.0, 100.0])
    with state():
        read_standardized(other, far)
        np.testing.assert_array_equal(ranges(other, x, [99.0, 100.0]), expected)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_another_default_type_changes_no_type() -> None:
    with DefaultType():
        assert {value.dtype for value in trained(nullcontext()).values()} == {torch.float32}
        assert torch.get_default_dtype() == torch.float64


def test_another_default_device_moves_no_weight() -> None:
    module = mlp()
    with torch.device("meta"):
        net = reds.from_module(module, (8,))
    assert {value.device.type for value in net.state_dict().values()} == {"cpu"}
