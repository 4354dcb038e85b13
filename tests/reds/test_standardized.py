"""Standardized features from end to end: the given module's function, the card, the pack, and refusals."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from torch import Tensor, nn

import reds
from reds.data.catalog import SETS, DataSpec
from reds.data.examples import Examples
from reds.data.options import DataOptions
from reds.elastic.standardized import check_standardized, read_standardized
from reds.errors import DataError, PackError
from reds.graph.subnets import full_subnet
from reds.pack import dumps, loads
from reds.pack.model import Model
from reds.pack.scale import Standardization
from reds.quantization.calibrate import ranges
from reds.training.rounding_aware import RoundedNet
from tests.reds.support.modules import blobs
from tests.support.nets import dense_model

QUIET = Console(quiet=True)


def norm(units: int) -> nn.BatchNorm2d:
    """A batch norm that has seen data."""
    made = nn.BatchNorm2d(units)
    for value in (made.running_mean, made.running_var, made.weight.data, made.bias.data):
        assert value is not None
        value.copy_(0.5 + torch.rand(units))
    return made


def modules(padding: int = 0) -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """Modules whose first layers read the features in every way, by what reads them."""
    side = 6 + 2 * padding
    return {
        "dense": (nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4)), (3,)),
        "dense and norm": (nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 4)), (3,)),
        "conv": (
            nn.Sequential(nn.Conv2d(3, 5, 3, padding=padding), nn.Flatten(), nn.Linear(5 * side**2, 4)),
            (3, 8, 8),
        ),
        "conv and norm": (
            nn.Sequential(
                nn.Conv2d(3, 5, 3, padding=padding, bias=False), norm(5), nn.ReLU(),
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4),
            ),
            (3, 8, 8),
        ),
        "depthwise": (
            nn.Sequential(
                nn.Conv2d(3, 3, 3, groups=3, padding=padding), nn.Flatten(), nn.Linear(3 * side**2, 4)
            ),
            (3, 8, 8),
        ),
        "pool, flatten, dense": (
            nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 4)),
            (3, 8, 8),
        ),
    }  # fmt: skip


MEAN, DEVIATION = (80.0, -3.0, 0.0), (13.0, 0.1, 400.0)


def features(shape: tuple[int, ...]) -> Tensor:
    """Features of the module in torch's order, with these means and deviations."""
    sides = [-1] + [1] * (len(shape) - 1)
    z = torch.randn(16, *shape, generator=torch.Generator().manual_seed(1))
    return torch.tensor(MEAN).view(sides) + torch.tensor(DEVIATION).view(sides) * z


def after_and_before(
    module: nn.Module, shape: tuple[int, ...], mean: tuple[float, ...]
) -> tuple[Tensor, Tensor]:
    """The outputs of the net for standardized features, and those of the module."""
    standardization, x = Standardization(mean, DEVIATION), features(shape)
    net = reds.from_module(module.eval(), shape)
    read_standardized(net, standardization)
    z = torch.from_numpy(standardization.apply(x.movedim(1, -1).numpy())).float()
    return net(z, 0).detach(), module(x).detach()


@pytest.mark.parametrize("name", modules())
def test_a_net_reads_standardized_features_with_the_module_s_outputs(name: str) -> None:
    torch.manual_seed(0)
    found, expected = after_and_before(*modules()[name], MEAN)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("name", ["conv", "conv and norm", "depthwise"])
def test_without_a_shift_a_padded_net_gives_the_module_s_outputs_too(name: str) -> None:
    torch.manual_seed(0)
    found, expected = after_and_before(*modules(padding=1)[name], (0.0, 0.0, 0.0))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


class Sum(nn.Module):
    """Add the features to what a convolution makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 3, 1), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last((x + self.conv(x)).flatten(1))
        return logits


def test_a_net_that_adds_its_features_is_refused_with_the_layer() -> None:
    net = reds.from_module(Sum(), (3, 2, 2))
    read_standardized(net, Standardization())
    with pytest.raises(DataError, match="layer add"):
        read_standardized(net, Standardization(MEAN, DEVIATION))


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> tuple[reds.Result, Path, Tensor]:
    """A net for pictures that are stored standardized, its pack, and the pictures of the test part."""
    x, y = blobs(240, 0)
    x = 80 + 13 * x
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(288, 4)
    )
    net, data = reds.from_module(module, (3, 12, 12)), reds.Dataset.split(x, y)
    result = reds.compress(net, data, budgets=[0.5, 1.0], epochs=6, full_epochs=2, console=QUIET)
    path = result.save(tmp_path_factory.mktemp("far") / "far.reds")
    return result, path, torch.as_tensor(data.test[0])


def test_a_pack_of_features_far_from_zero_reads_the_user_s_own(far: tuple[reds.Result, Path, Tensor]) -> None:
    result, path, x = far
    pack = reds.load(path)
    assert pack.model.standardized
    card = json.loads(path.with_suffix(".json").read_text())
    assert tuple(card["input"]["mean"]) == result.data.set.standardization.mean
    assert tuple(card["input"]["deviation"]) == result.data.set.standardization.deviation
    np.testing.assert_array_equal(np.sort(pack.stored(x), axis=None), np.sort(result.data.test_x, axis=None))
    assert result.subnets[-1].accuracy > 0.9


def test_a_trained_net_keeps_its_accuracy_without_further_training() -> None:
    """The module tells plain pictures apart. The same module is then rewritten for pictures of mean 80."""
    torch.manual_seed(0)
    x, y = blobs(240, 0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 4))
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()
    first = module[0]
    assert isinstance(first, nn.Conv2d)
    assert first.bias is not None
    with torch.no_grad():
        first.weight /= 13
        first.bias -= 80 * first.weight.sum((1, 2, 3))
    net, data = reds.from_module(module, (3, 12, 12)), reds.Dataset.split(80 + 13 * x, y)
    still = reds.JointOptions(epochs=1, rate=1e-6)
    result = reds.compress(net, data, budgets=[1.0], full_epochs=0, training=still, console=QUIET)
    assert result.subnets[0].float_accuracy > 0.9
    assert result.subnets[0].accuracy > 0.9


def test_floating_point_features_need_the_card(far: tuple[reds.Result, Path, Tensor], tmp_path: Path) -> None:
    _, path, x = far
    shutil.copy(path, tmp_path / "far.reds")
    bare = reds.load(tmp_path / "far.reds")
    with pytest.raises(PackError, match=r"far\.json"):
        bare.run(x, subnet=0)
    assert bare.run(reds.load(path).stored(x), subnet=0).dtype == np.int8


@pytest.mark.parametrize(
    "source",
    [None, {}, {"mean": [1.0], "deviation": [1.0]}, {"mean": [1, 2, "3"], "deviation": [1, 2, 3]},
     {"mean": [1, 2, 3], "deviation": [1, 0, 3]}, {"mean": [1, 2, float("nan")], "deviation": [1, 2, 3]}],
)  # fmt: skip
def test_a_card_without_usable_mean_and_deviation_is_refused(
    far: tuple[reds.Result, Path, Tensor], source: object
) -> None:
    pack = reds.load(far[1])
    with pytest.raises(PackError, match=r"far\.json"):
        replace(pack, card={"input": source}).stored(far[2])


def test_the_pack_says_that_its_features_are_standardized() -> None:
    model = dense_model([5, 3, 4], [[3, 4]], 1)
    plain, flagged = dumps(model), dumps(replace(model, standardized=True))
    assert not loads(plain, "memory").standardized
    assert loads(flagged, "memory").standardized
    differs = [i for i, (a, b) in enumerate(zip(plain, flagged, strict=True)) if a != b]
    assert set(differs) - set(range(12, 16)) == {22}


FAR = Standardization((80.0, 80.0, 80.0), (13.0, 13.0, 13.0))


def stages(net: reds.ElasticNet, spec: DataSpec) -> Model:
    """The stages that `docs/network.md` shows, without what they train."""
    x = torch.randn(16, 3 * 6 * 6, generator=torch.Generator().manual_seed(0))
    seen = ranges(reds.nest(net, [full_subnet(net.graph)]), x, [100.0])[0]
    return reds.quantize(net, name="mine", ranges=seen, source=spec)


def small() -> reds.ElasticNet:
    torch.manual_seed(0)
    return reds.from_module(nn.Sequential(nn.Conv2d(3, 4, 6), nn.Flatten(), nn.Linear(4, 2)), (3, 6, 6))


def test_a_net_that_was_not_told_of_standardized_features_is_not_trained_on_them() -> None:
    y = torch.arange(80) % 2
    x = (
        80
        + 13 * torch.randn(80, 3, 6, 6, generator=torch.Generator().manual_seed(0))
        + 9 * y[:, None, None, None]
    )
    stored = reds.Dataset.split(x, y).stored("mine")
    examples = Examples(stored, DataOptions("mine"), reds.AugmentationOptions())
    net, options = small(), reds.TrainingOptions(epochs=1)
    with pytest.raises(DataError, match="read_standardized"):
        reds.train(net, examples, options)
    read_standardized(net, stored.set.standardization)
    reds.train(net, examples, options)


def test_a_net_is_quantized_only_for_the_features_that_it_reads() -> None:
    plain, far = SETS["cifar-10"], replace(SETS["cifar-10"], standardization=FAR)
    told = small()
    read_standardized(told, FAR)
    assert not stages(small(), plain).standardized
    assert stages(told, far).standardized
    other = replace(plain, standardization=Standardization(FAR.mean, (1.0, 2.0, 3.0)))
    for net, spec in ((small(), far), (told, plain), (told, other)):
        with pytest.raises(DataError):
            stages(net, spec)


def test_a_net_that_reads_standardized_features_is_not_told_again() -> None:
    net = small()
    read_standardized(net, FAR)
    with pytest.raises(DataError, match="already"):
        read_standardized(net, FAR)


def test_a_trained_net_says_that_its_features_are_standardized(far: tuple[reds.Result, Path, Tensor]) -> None:
    result, _, _ = far
    net, expected = result.trained.net, result.data.set.standardization
    assert net.standardization == expected
    assert str(list(expected.mean)) in repr(net)
    assert RoundedNet(net, np.ones((2, 4, 2))).standardization == expected


def standardized_net(standardization: Standardization) -> reds.ElasticNet:
    net = reds.from_module(nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4)).eval(), (3,))
    read_standardized(net, standardization)
    return net


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 100)), min_size=3, max_size=3),
    st.integers(1, 200),
    st.integers(0, 2**31),
)
@settings(max_examples=50, deadline=None)
def test_standardized_features_are_never_taken_for_raw_ones(
    units: list[tuple[float, float]], count: int, seed: int
) -> None:
    net = standardized_net(Standardization(*zip(*units, strict=True)))
    check_standardized(net, torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("constant", [1, 2, 3])
def test_units_of_one_value_do_not_look_raw(constant: int) -> None:
    net = standardized_net(Standardization((5.0,) * 3, (1.0,) * 3))
    z = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    z[:, :constant] = 0
    check_standardized(net, z)


@given(st.floats(0.5, 50), st.floats(1.1, 8), st.floats(0, 1e6), st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_stored_features_of_any_data_set_are_taken(
    low: float, span: float, sentinel: float, seed: int
) -> None:
    """Values that do not reach 0 keep a mean beside 0, as `feature_scale` stores them."""
    random = np.random.default_rng(seed)
    x = random.uniform(low, low * span, (200, 3)).astype(np.float32)
    x[:3, 0] = sentinel
    data = reds.Dataset((x, np.arange(200) % 2), (x, np.arange(200) % 2)).stored("mine")
    examples = Examples(data, DataOptions("mine"), reds.AugmentationOptions())
    net = standardized_net(data.set.standardization)
    check_standardized(net, examples.plain(100, torch.Generator().manual_seed(seed))[0])


@pytest.mark.parametrize(("mean", "deviation"), [(80.0, 13.0), (-80.0, 13.0), (0.0, 0.001), (0.0, 300.0)])
def test_raw_features_where_standardized_ones_are_read_are_refused(mean: float, deviation: float) -> None:
    standardization = Standardization((mean,) * 3, (deviation,) * 3)
    net, y = standardized_net(standardization), torch.arange(64) % 4
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0)) * deviation + mean
    with pytest.raises(DataError):
        ranges(net, x, [99.0])
    with pytest.raises(DataError):
        reds.score(net, [(x, y)])
    z = torch.from_numpy(standardization.apply(x.numpy()))
    ranges(net, z, [99.0])
    reds.score(net, [(z, y)])
