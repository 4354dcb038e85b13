"""The snippet of the front page: a user's own module and examples, compressed, saved, loaded and run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

import reds
from reds.data.labeled import find_labeled
from reds.data.local_files import sha256_of
from reds.elastic.net import ElasticNet
from reds.errors import BudgetError, DataError, DivergedError, NotElasticError, PackError, SettingsError
from reds.pack import interpreter
from reds.training.torch_setup import repeatable
from tests.reds.support.modules import Block, blobs, conv

QUIET = Console(quiet=True)
CLASSES = ["top left", "top right", "bottom left", "bottom right"]


@dataclass(frozen=True)
class Compressed:
    """The results of the snippet, and its inputs before and after."""

    result: reds.Result
    path: Path
    x: Tensor
    y: Tensor
    before: tuple[bytes, bytes, int, bool]
    after: tuple[bytes, bytes, int, bool]


def module_of_the_user() -> nn.Module:
    """A small residual module for pictures of 12 x 12, as a user may have it: random, in training mode."""
    torch.manual_seed(0)
    return nn.Sequential(conv(3, 8), nn.ReLU(), Block(8, 16, 2), nn.Flatten(), nn.Linear(16 * 36, 4)).train()


def state_of(module: nn.Module) -> bytes:
    mode = b"training" if module.training else b""
    return mode + b"".join(value.numpy().tobytes() for value in module.state_dict().values())


def state(module: nn.Module, net: ElasticNet) -> tuple[bytes, bytes, int, bool]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    return state_of(module), state_of(net), threads, deterministic


def dataset() -> reds.Dataset:
    train, validation = blobs(192, 0), blobs(48, 1)
    return reds.Dataset(train=train, validation=validation, test=partly_mislabeled(), classes=CLASSES)


def partly_mislabeled() -> tuple[Tensor, Tensor]:
    """Four of 80 labels are wrong, so that no subnet is right everywhere."""
    x, y = blobs(80, 2)
    y[:4] = y[:4].flip(0)
    return x, y


def compressed_from(net: ElasticNet, path: Path) -> reds.Result:
    result = reds.compress(net, dataset(), budgets=[0.25, 0.5, 1.0], epochs=4, full_epochs=2, console=QUIET)
    result.save(path)
    return result


@contextmanager
def other_settings(threads: int) -> Iterator[None]:
    """Torch as a user may have it: so many threads, and kernels that need not repeat their bits."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Compressed:
    module, path = module_of_the_user(), tmp_path_factory.mktemp("compress") / "mine.reds"
    net = reds.from_module(module, input_shape=(3, 12, 12))
    with other_settings(threads=3):
        before = state(module, net)
        result = compressed_from(net, path)
        after = state(module, net)
    return Compressed(result, path, *partly_mislabeled(), before, after)


@pytest.mark.lesser
def test_subnets_of_the_result_meet_their_budgets_and_classify_the_easy_set(made: Compressed) -> None:
    subnets = made.result.subnets
    assert [subnet.name for subnet in subnets] == ["25%", "50%", "100%"]
    for subnet, budget in zip(subnets, (0.25, 0.5, 1.0), strict=True):
        assert subnet.macs <= budget * subnets[-1].macs
        assert subnet.accuracy > 0.9
        assert subnet.float_accuracy > 0.9


def test_a_loaded_pack_reads_the_module_s_own_features_and_is_as_accurate_as_the_result(
    made: Compressed,
) -> None:
    pack = reds.load(made.path)
    for subnet in made.result.subnets:
        logits = pack.run(made.x, subnet=subnet.name)
        assert (logits.shape, logits.dtype) == ((80, 4), np.float32)
        assert np.mean(logits.argmax(1) == made.y.numpy()) == pytest.approx(subnet.accuracy)
        assert pack.subnets[subnet.name].macs == subnet.macs
        assert pack.subnets[subnet.name].accuracy == pytest.approx(subnet.accuracy, abs=1e-6)


def test_a_loaded_pack_writes_the_bits_of_the_result_s_interpreter(made: Compressed) -> None:
    pack, stored = reds.load(made.path), made.result.data.test_x
    torch_order = np.moveaxis(stored, -1, 1)
    for i in range(3):
        expected = interpreter.run(made.result.trained.model, i, stored.reshape(len(stored), -1))
        np.testing.assert_array_equal(pack.run(torch_order, subnet=i), expected)


def test_the_card_holds_floors_and_names_the_labeled_file_beside_the_pack(made: Compressed) -> None:
    card = json.loads(made.path.with_suffix(".json").read_text())
    assert card["classes"] == CLASSES
    assert card["pack_sha256"] == sha256_of(made.path)
    x, y = find_labeled(card, made.path.parent)
    assert x.shape == (80, 3 * 12 * 12)
    for i, subnet in enumerate(card["subnets"]):
        right = float((interpreter.run(made.result.trained.model, i, x).argmax(1) == y).mean())
        assert subnet["accuracy"]["labelled"] == pytest.approx(right, abs=1e-6)
        assert subnet["floor"] <= right < subnet["floor"] + 1e-4


def test_the_same_seed_saves_the_same_bytes(made: Compressed, tmp_path: Path) -> None:
    compressed_from(reds.from_module(module_of_the_user(), input_shape=(3, 12, 12)), tmp_path / "mine.reds")
    names = {part.name for part in made.path.parent.iterdir()}
    assert {part.name for part in tmp_path.iterdir()} == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (made.path.parent / name).read_bytes()


def test_the_module_the_net_and_torchs_settings_stay_as_they_were(made: Compressed) -> None:
    assert made.after == made.before
    assert made.before[2:] == (3, False)


def test_torchs_settings_are_restored_where_training_fails() -> None:
    net = reds.from_module(module_of_the_user(), input_shape=(3, 12, 12))
    how = reds.JointOptions(rate=1e30, batch=48)
    with other_settings(threads=2):
        with pytest.raises(DivergedError):
            reds.compress(net, dataset(), budgets=[1.0], epochs=1, training=how, console=QUIET)
        assert torch.get_num_threads() == 2
        assert not torch.are_deterministic_algorithms_enabled()


def test_a_net_of_the_zoo_is_given_by_its_name() -> None:
    x, y = blobs(96, 0)
    data = reds.Dataset.split(x.mean(1, keepdim=True).flatten(1), y)
    result = reds.compress("dnn-s-1x1x144", data, budgets=[0.5, 1.0], epochs=2, console=QUIET)
    assert [subnet.name for subnet in result.subnets] == ["50%", "100%"]
    assert result.trained.model.output_size(1) == 4


def test_examples_of_another_shape_than_the_net_reads_are_refused() -> None:
    net = reds.from_module(module_of_the_user(), input_shape=(3, 12, 12))
    x, y = blobs(80, 0)
    with pytest.raises(DataError, match=r"\[N, 3, 12, 10\].*\[N, 3, 12, 12\]"):
        reds.compress(net, reds.Dataset.split(x[..., :10], y), budgets=[1.0])


def test_examples_of_other_classes_than_the_net_tells_are_refused() -> None:
    net = reds.from_module(module_of_the_user(), input_shape=(3, 12, 12))
    x, y = blobs(80, 0)
    with pytest.raises(DataError, match=r"2 classes.* 4"):
        reds.compress(net, reds.Dataset.split(x, y % 2), budgets=[1.0], console=QUIET)


def test_budgets_that_are_not_ascending_are_refused_before_anything_is_trained() -> None:
    net = reds.from_module(module_of_the_user(), input_shape=(3, 12, 12))
    with pytest.raises(BudgetError):
        reds.compress(net, dataset(), budgets=[0.5, 0.25])


def test_a_result_is_saved_as_a_pack_with_a_card_of_its_own(made: Compressed, tmp_path: Path) -> None:
    saved = made.result.save(tmp_path / "new" / "v1.2")
    assert saved == tmp_path / "new" / "v1.2.reds"
    assert {path.suffix for path in saved.parent.iterdir()} == {".reds", ".json", ".npz"}
    assert reds.load(saved).subnets[0].accuracy is not None


@pytest.mark.parametrize("name", ["folder.reds", "file/mine", "..", "card", "", None, 5])
def test_a_path_that_no_result_can_have_is_refused(name: Any, made: Compressed, tmp_path: Path) -> None:
    for folder in ("folder.reds", "card.json"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PackError):
        made.result.save(tmp_path / name if isinstance(name, str) and name else name)


def small_net() -> ElasticNet:
    return reds.from_module(module_of_the_user(), input_shape=(3, 12, 12))


def refused_before_training(argument: str, **changed: Any) -> None:
    """One short line refuses this argument by its name, and no epoch starts."""
    given: dict[str, Any] = {"net": small_net(), "data": dataset(), "budgets": [1.0], "epochs": 1} | changed
    console = Console(record=True, quiet=True)
    with pytest.raises(SettingsError, match=rf"^{argument}: \S") as caught:
        reds.compress(console=console, **given)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    assert not console.export_text()


@pytest.mark.parametrize("name", ["a" * 40, "", "../evil", "..", "a/b", "a\0", "a\ud800", None])
def test_a_name_that_no_pack_or_file_can_have_is_refused(name: Any) -> None:
    refused_before_training("name", name=name)


@pytest.mark.parametrize("budgets", [0.5, ["25%"], [], [None], "50%", [True], None, [1.0] * 65])
def test_budgets_that_are_not_a_list_of_1_to_64_numbers_are_refused(budgets: Any) -> None:
    refused_before_training("budgets", budgets=budgets)


def test_budgets_may_be_given_one_by_one() -> None:
    x, y = blobs(48, 0)
    data = reds.Dataset.split(x.mean(1).flatten(1), y)
    budgets = (share for share in (0.5, 1.0))
    result = reds.compress("dnn-s-1x1x144", data, budgets=budgets, epochs=1, console=QUIET)  # type: ignore[arg-type]
    assert [subnet.name for subnet in result.subnets] == ["50%", "100%"]


@pytest.mark.parametrize("budget", [{"flash": 0}, {"arena": -1}, {"macs": "a"}, {"flash": 0.5}])
def test_a_budget_of_another_type_or_range_is_refused(budget: dict[str, Any]) -> None:
    (key,) = budget
    refused_before_training(f"budgets, {key}", budgets=[reds.Budget(**budget)])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0), ("epochs", -1), ("epochs", 1.5), ("epochs", "a"), ("epochs", True),
        ("full_epochs", -1), ("full_epochs", 0.5), ("rounding_epochs", -1), ("rounding_epochs", "a"),
        ("seed", 2**70), ("seed", -1), ("seed", "a"), ("seed", 1.0), ("seed", np.int64(3)),
        ("training", {}), ("training", reds.TrainingOptions()), ("selection", "uniform"),
        ("augmentation", {"flip": True}), ("profile", "vnni"),
    ],
)  # fmt: skip
def test_an_argument_of_another_type_or_range_is_refused(key: str, value: Any) -> None:
    refused_before_training(key, **{key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0), ("batch", 0), ("batch", 1), ("batch", "a"), ("rate", -1.0), ("rate", 0.0),
        ("rate", "a"), ("rate", float("nan")), ("weight_decay", -1.0), ("dropout", 2.0), ("smoothing", 5.0),
        ("distil", 2.0), ("norms", "Own"),
    ],
)  # fmt: skip
def test_a_wrong_option_of_training_is_refused(key: str, value: Any) -> None:
    named = key if key == "epochs" else f"training.{key}"
    how = reds.JointOptions(**{key: value})
    refused_before_training(named, training=how, epochs=None, full_epochs=1, rounding_epochs=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": "x"},
        {"scored": "kernel"},
        {"objective": "Sum"},
        {"importance": "x"},
        {"step": 0},
        {"least": 1.5},
    ],
)
def test_a_wrong_option_of_selection_is_refused(wrong: dict[str, Any]) -> None:
    (key,) = wrong
    refused_before_training(f"selection.{key}", selection=reds.SelectionOptions(**wrong))


@pytest.mark.parametrize(
    "wrong", [{"mixup": 2.0}, {"mixup": "a"}, {"flip": "yes"}, {"shift_rows": 12}, {"shift_columns": -1}]
)
def test_a_wrong_option_of_augmentation_is_refused(wrong: dict[str, Any]) -> None:
    (key,) = wrong
    refused_before_training(f"augmentation.{key}", augmentation=reds.AugmentationOptions(**wrong))


def test_a_net_that_is_not_a_full_one_of_ours_is_refused() -> None:
    refused_before_training("net", net=module_of_the_user())
    refused_before_training("net", net=3)
    half = reds.SubnetSpec("50%", reds.Budget(0.5), small_net().graph.full)
    full = reds.SubnetSpec("100%", reds.Budget(1.0), small_net().graph.full)
    refused_before_training("net", net=reds.nest(small_net(), [half, full]))


def test_data_that_are_no_dataset_are_refused() -> None:
    refused_before_training("data", data=blobs(8, 0))


@pytest.mark.parametrize("shape", [10, None, (2.5,), (3, "a", 4)])
def test_an_input_shape_that_is_no_shape_is_refused(shape: Any) -> None:
    with pytest.raises(NotElasticError, match="input_shape"):
        reds.from_module(module_of_the_user(), input_shape=shape)


@pytest.mark.parametrize(
    ("given", "together", "full"),
    [
        ({"training": reds.JointOptions(epochs=8)}, 8, 2),
        ({"training": reds.JointOptions(epochs=8), "epochs": 2}, 2, 1),
        ({}, 20, 5),
    ],
)
def test_epochs_are_those_of_the_argument_else_of_training_else_20(
    given: dict[str, Any], together: int, full: int
) -> None:
    x, y = blobs(48, 0)
    data = reds.Dataset.split(x.mean(1).flatten(1), y)
    how = reds.compress(
        "dnn-s-1x1x144", data, budgets=[1.0], console=QUIET,
        selection=reds.SelectionOptions(importance="random"), **given,
    ).method  # fmt: skip
    assert how.full is not None
    assert (how.joint.epochs, how.full.epochs) == (together, full)


def flat_result() -> reds.Result:
    x, y = blobs(96, 0)
    data = reds.Dataset.split(x.mean(1, keepdim=True), y)
    return reds.compress("dnn-s-12x12x1", data, budgets=[0.5, 1.0], epochs=1, console=QUIET)


def test_a_net_of_the_zoo_that_reads_features_reads_pictures_of_as_many() -> None:
    result = flat_result()
    assert result.data.set.shape == (12, 12, 1)
    assert result.trained.net.graph.full[0] == 144


def test_a_given_net_that_reads_features_does_not_read_pictures_of_as_many() -> None:
    x, y = blobs(80, 0)
    net = reds.from_module(nn.Sequential(nn.Linear(144, 8), nn.ReLU(), nn.Linear(8, 4)), input_shape=(144,))
    with pytest.raises(DataError, match=r"\[N, 1, 12, 12\].*\[N, 144\]"):
        reds.compress(net, reds.Dataset.split(x.mean(1, keepdim=True), y), budgets=[1.0])


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_the_net_is_trained_also_where_gradients_are_off(off: Any) -> None:
    with off():
        result = flat_result()
    assert result.subnets["100%"].accuracy == flat_result().subnets["100%"].accuracy
    assert torch.is_grad_enabled()


def test_compressing_leaves_torchs_random_numbers_alone() -> None:
    net, data, state = small_net(), dataset(), torch.get_rng_state()
    reds.compress(net, data, budgets=[1.0], epochs=1, console=QUIET)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_subnet_of_the_result_is_found_by_its_name_or_index_and_the_result_is_shown_shortly() -> None:
    result = flat_result()
    assert result.subnets["50%"] is result.subnets[0]
    with pytest.raises(KeyError, match="30%"):
        _ = result.subnets["30%"]
    assert len(repr(result)) < 1000
    assert "50%" in repr(result)


def test_a_repeatable_block_restores_random_numbers_and_warnings() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    state = torch.get_rng_state()
    try:
        with repeatable():
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
            torch.rand(3)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        torch.testing.assert_close(torch.get_rng_state(), state, rtol=0, atol=0)
    finally:
        torch.use_deterministic_algorithms(before)
