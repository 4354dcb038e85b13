"""Cards, times, counts, recipes, states and results after any change: used, or refused in one line."""

import hashlib
import json
import math
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.errors import ResultsError
from hil.kernels import baseline
from hil.results import blocks, file
from hil.results.measurement import Measurement
from hil.suite import workload
from reds.errors import RecipeError, RedsError
from reds.experiment.prepare import check_recipe, profile_of
from reds.experiment.recipe_file import load_recipe
from reds.fixtures import fixtures_dir
from reds.nesting.cost.latency import load as load_times
from reds.pack.pack import load_pack
from reds.training.checkpoint import Checkpoint
from tests.support.mutations import changed_bytes, changed_values
from tests.support.odd_files import ODD_FILES
from tests.support.refusals import may_refuse

MANY = settings(suppress_health_check=list(HealthCheck), max_examples=100, deadline=None)
CARD = json.loads((fixtures_dir() / "kws-dnn-s.json").read_text())
TIMES = {
    "board": "left",
    "layers": {
        "a": {"units": [[4, 8], [4, 8]], "us": [[1.0, 2.0], [2, 3.5]]},
        "b": {"units": [[4]], "us": [1]},
    },
}
RECIPE = (fixtures_dir() / "recipes" / "kws-dnn-s.toml").read_bytes()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copy(fixtures_dir() / "kws-dnn-s.reds", tmp_path))


def used(pack: Path) -> None:
    """Use the card of a pack as `reds` and a bench do, and hold what they make of it to its bounds."""
    with may_refuse(RedsError):
        accuracies = [subnet.accuracy for subnet in load_pack(pack).subnets]
        assert all(share is None or 0 <= share <= 1 for share in accuracies)
    with may_refuse(RedsError):
        work = workload.load(pack)
        assert all(0 <= floor <= 1 for floor in work.floors.values())
        assert work.inputs_are.isprintable()


@given(card=changed_values(CARD))
@MANY
def test_a_card_after_any_change_of_its_values(card: Any, pack: Path) -> None:
    pack.with_suffix(".json").write_text(json.dumps(card))
    used(pack)


@given(data=changed_bytes(json.dumps(CARD).encode()))
@MANY
def test_a_card_after_any_change_of_its_bytes(data: bytes, pack: Path) -> None:
    pack.with_suffix(".json").write_bytes(data)
    used(pack)


@pytest.mark.parametrize("odd", ["folder", "pipe", "endless device", "circle of links"])
def test_a_card_that_is_no_file_is_refused(odd: str, tmp_path: Path, pack: Path) -> None:
    ODD_FILES[odd](tmp_path) if odd != "folder" else None
    made = {"folder": "/", "pipe": "pipe", "endless device": "zeros", "circle of links": "circle"}[odd]
    pack.with_suffix(".json").symlink_to(made)
    with pytest.raises(RedsError, match="cannot read the pack's card"):
        load_pack(pack)


@given(times=changed_values(TIMES))
@MANY
def test_times_after_any_change_of_their_values(times: Any, tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    path.write_text(json.dumps(times))
    with may_refuse(RedsError, path):
        load_times(path)


@given(counts=changed_values(json.loads(baseline.path().read_text())))
@MANY
def test_a_baseline_after_any_change_of_its_values(counts: Any, tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_text(json.dumps(counts))
    with may_refuse(ResultsError, path):
        baseline.load(path)


ROW = Measurement("pi", "left", "emulated", "net", "00", "25%", "latency", "us", 1.0, (1.0,)).plain()
SEEN = {"machine": "aarch64", "mhz": 600.0, "governor": "performance", "throttled": 0, "thermal": None}


@given(rows=changed_values([ROW, ROW | {"conditions": {"before": SEEN, "after": SEEN}}]))
@MANY
def test_results_after_any_change_of_their_values(rows: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with may_refuse(ResultsError, path):
        assert all(line.isprintable() for line in blocks.render(file.read(path), []).splitlines())


@given(data=changed_bytes(RECIPE))
@MANY
def test_a_recipe_after_any_change_of_its_bytes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with may_refuse(RecipeError, path):
        load_recipe(path)


def keys_of(recipe: bytes) -> list[int]:
    return [i for i, line in enumerate(recipe.splitlines()) if b"=" in line]


@given(
    line=st.sampled_from(keys_of(RECIPE)),
    value=st.sampled_from(
        ["nan", "inf", "-1", "0", "1", "1e308", "9223372036854775807", "9" * 5000, "0x" + "f" * 5000, "true",
         "[]", "{}", "''", "'a'", "'~nosuchuser'", '"\\u001b[2J"', '"\\u0000"', "2024-01-01", "[" * 3000,
         "[{}]", "[[1]]",
         "'ds-cnn-s-99999999999999999999x1x1'", "'dnn-s-1000000x1000000x1000'", "'resnet8-0x0x0'",
         "{a.b.c = 1}"]
    ),
)  # fmt: skip
@MANY
def test_a_recipe_after_any_change_of_a_value(line: int, value: str, tmp_path: Path) -> None:
    path, lines = tmp_path / "mine.toml", RECIPE.decode().splitlines()
    lines[line] = f"{lines[line].partition('=')[0]}= {value}"
    path.write_text("\n".join(lines))
    with may_refuse(RecipeError, path):
        recipe = load_recipe(path)
        assert math.isfinite(recipe.joint.rate)


@pytest.mark.parametrize("name", ["~nosuchuser/times", "a\\u0000b", ".", "/dev/zero", "x" * 300])
def test_times_of_a_recipe_that_are_no_file_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(RECIPE + f'\n[device]\nlayout = "canonical"\ntimes = "{name}"\n'.encode())
    with pytest.raises(RedsError) as caught:
        profile_of(load_recipe(path), path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["~nosuchuser/a.npz", "a\\u0000b", "/dev/zero", "x" * 300, "circle", "pipe"])
def test_own_data_of_a_recipe_that_are_no_file_are_refused(name: str, tmp_path: Path) -> None:
    for each in ("circle of links", "pipe"):
        ODD_FILES[each](tmp_path)
    path = tmp_path / "mine.toml"
    path.write_bytes(RECIPE.replace(b'"speech-commands"', f'"{name}"'.encode()))
    with pytest.raises(RedsError) as caught:
        check_recipe(path)
    assert str(caught.value).isprintable()


def state(content: object) -> bytes:
    """Return a file with a checksum that fits."""
    written = BytesIO()
    torch.save(content, written)
    return sealed(written.getvalue())


def sealed(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n" + data


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", sealed(b""), sealed(b"text"), sealed(b"\x80\x02cos\nsystem\n"), state([]), state({}),
     state("k"), state({"key": {"of": "k"}}), state({"key": {"of": "k"}, "phases": 3}), state(None),
     state({"key": "k", "phases": {}}), state({"key": {"of": 3}, "phases": {}})],
)  # fmt: skip
def test_a_state_that_this_training_did_not_write_is_passed_over(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.training"
    path.write_bytes(content)
    assert Checkpoint(path, {"of": "k"}).phases == {}
    path.write_bytes(state({"key": {"of": "k"}, "phases": {"a": {"epoch": 1}}}))
    assert Checkpoint(path, {"of": "k"}).phases == {"a": {"epoch": 1}}


@pytest.mark.parametrize("odd", ["folder", "pipe", "endless device", "circle of links"])
def test_a_state_that_is_no_file_ends_a_training_at_once(odd: str, tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011, the kinds differ
        Checkpoint(ODD_FILES[odd](tmp_path), {"of": "k"})
