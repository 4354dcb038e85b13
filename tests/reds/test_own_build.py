"""A user's own data in one line of a recipe: a pack, its card, and the labeled examples beside it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import reds
from reds import pack
from reds.cli import main
from reds.data.labeled import find_labeled
from reds.data.local_files import sha256_of
from reds.errors import SettingsError
from reds.pack import interpreter
from tests.reds.support.own import COLORS, motions, pictures, short_recipe, words

SHORTEST = """net.name = "dnn-s-12x8x3"
data.set = "my.npz"
subnet = [{ budget = 0.5 }, { budget = 1.0 }]
"""
BRIEF = (
    SHORTEST.replace('"my.npz"', '"fashion-mnist"')
    + """full = { epochs = 2, batch = 20 }
joint = { epochs = 40, batch = 20 }
"""
)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fashion-MNIST's recipe, short, for pictures of 12 x 8."""
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
    path = tmp_path / "mine.toml"
    path.write_text(short_recipe(epochs=6))
    return path


def build(recipe: Path, line: str, net: str = "ds-cnn-s-12x8x3") -> tuple[int, str]:
    """`reds build` of the recipe with this line for its set; exit status and output."""
    text = recipe.read_text().replace("ds-cnn-s-12x8x3", net)
    recipe.write_text(text.replace('set = "fashion-mnist"', line))
    result = CliRunner().invoke(main, ["build", str(recipe), "--out", str(recipe.parent / "out")])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("name", "net", "tested", "classes"),
    [
        ("colors.npz", "ds-cnn-s-12x8x3", 80, ("0", "1", "2", "3", "4")),
        ("colors/", "dnn-s-12x8x3", 15, COLORS),
    ],
)
def test_own_data_in_one_line_of_a_recipe_give_a_pack_with_labeled_examples(
    name: str, net: str, tested: int, classes: tuple[str, ...], recipe: Path, tmp_path: Path
) -> None:
    source = pictures(tmp_path / name)
    status, output = build(recipe, f'set = "{name}"', net)
    assert status == 0, output

    out = tmp_path / "out"
    card, model = json.loads((out / "mine.json").read_text()), pack.load(out / "mine.reds")
    assert (card["classes"], card["tested_on"]) == (list(classes), tested)
    assert {part.name for part in out.iterdir()} == {"mine.json", "mine.reds", card["labelled"]["file"]}
    ((file, sha256),) = card["trained_on"]["files"].items()
    assert file == source.name
    assert name.endswith("/") or sha256 == sha256_of(source)
    assert "10% of every class of the training part validate" in card["trained_on"]["split"]
    x, y = find_labeled(card, out)
    assert x.shape == (tested, 12 * 8 * 3)
    for i, subnet in enumerate(card["subnets"]):
        scores = interpreter.run(model, i, x)
        assert scores.shape == (tested, 5)
        right = float((scores.argmax(1) == y).mean())
        assert right == pytest.approx(subnet["accuracy"]["labelled"], abs=1e-6)
        assert right > 0.5
    if source.is_file():  # what a device is given, by the card, is what was tested
        with np.load(source) as of:
            q = np.rint(of["test_x"] / np.float32(card["input"]["scale"])) + card["input"]["zero"]
        stored = np.clip(q, -127, 127).astype(np.int8).reshape(tested, -1)
        assert sorted(map(bytes, stored)) == sorted(map(bytes, x))


@pytest.mark.parametrize(
    ("made", "name", "net", "front_end"),
    [
        (words, "tones", "ds-cnn-s-29x10x1", {"features": "mfcc", "samples": 9600}),
        (motions, "motion.csv", "ds-cnn-s-64x1x3", {"rows": 64, "columns": ["x", "y", "z"]}),
    ],
)
def test_sounds_and_time_series_in_one_line_of_a_recipe_give_a_pack_that_classifies(
    made: Callable[[Path], Path], name: str, net: str, front_end: dict[str, object], recipe: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    made(tmp_path / name)
    recipe.write_text(BRIEF.replace("dnn-s-12x8x3", net))
    status, output = build(recipe, f'set = "{name}"')
    assert status == 0, output
    card = json.loads((tmp_path / "out" / "mine.json").read_text())
    assert card["front_end"].items() >= front_end.items()
    x, y = find_labeled(card, tmp_path / "out")
    loaded = pack.load(tmp_path / "out" / "mine.reds")
    right = float((interpreter.run(loaded, 1, x).argmax(1) == y).mean())
    assert right == pytest.approx(card["subnets"][1]["accuracy"]["labelled"], abs=1e-6)
    assert right > 0.6


def test_notes_on_the_data_are_shown_and_in_the_card(recipe: Path, tmp_path: Path) -> None:
    soundfile.write(words(tmp_path / "tones") / "low" / "long.wav", np.ones(12_000) / 2, 16_000)
    recipe.write_text(BRIEF.replace("12x8x3", "29x10x1"))
    status, output = build(recipe, 'set = "tones"\ndata.sounds.seconds = 0.6')
    assert status == 0, output
    (note,) = json.loads((tmp_path / "out" / "mine.json").read_text())["trained_on"]["notes"]
    assert "1 are cut, 0 padded" in note
    assert note in " ".join(output.split())


def test_the_shortest_recipe_builds_a_pack_that_classifies(recipe: Path, tmp_path: Path) -> None:
    """With all options as they are by default."""
    pictures(tmp_path / "my.npz")
    recipe.write_text(SHORTEST)
    result = CliRunner().invoke(main, ["build", str(recipe), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    card, loaded = json.loads((tmp_path / "mine.json").read_text()), reds.load(tmp_path / "mine.reds")
    assert [subnet.name for subnet in loaded.subnets] == ["50%", "100%"]
    assert loaded.subnets["50%"].macs <= 0.5 * loaded.subnets["100%"].macs
    assert min(subnet.accuracy or 0 for subnet in loaded.subnets) > 0.5
    assert [subnet["floor"] for subnet in card["subnets"]] == [0, 0]
    built, missed = reds.build(recipe, tmp_path / "python")
    assert (built.read_bytes(), missed) == ((tmp_path / "mine.reds").read_bytes(), [])


@pytest.mark.parametrize(("given", "out"), [(None, "out"), ("mine.toml", 3), ("a\0b.toml", "out")])
def test_a_build_needs_two_paths(given: Any, out: Any, recipe: Path) -> None:
    with pytest.raises(SettingsError):
        reds.build(str(recipe) if given == "mine.toml" else given, out)


def test_the_whole_recipe_of_the_docs_runs_as_it_is_but_for_its_epochs_and_floors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    text = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)[1]
    assert text.startswith("name = ")
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
    monkeypatch.setattr("reds.quantization.range_search.CALIBRATION", 16)
    text = re.sub(r"floor = [\d.]+", "floor = 0.0", re.sub(r"epochs = \d+", "epochs = 1", text))
    (tmp_path / "recipe.toml").write_text(text)
    pictures(tmp_path / "pictures", 20, size=(40, 30))
    result = CliRunner().invoke(main, ["build", str(tmp_path / "recipe.toml"), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert [subnet.name for subnet in reds.load(tmp_path / "mine.reds").subnets] == ["25%", "100%"]
    assert max(map(len, result.output.split("┏", 1)[1].split("└", 1)[0].splitlines())) <= 80


@pytest.mark.parametrize(
    ("line", "net", "key"),
    [
        ('set = "none.npz"', "ds-cnn-s-12x8x3", "none.npz"),
        ('set = ""', "ds-cnn-s-12x8x3", "[data], set"),
        ('set = "mine.toml"', "ds-cnn-s-12x8x3", "mine.toml: "),
        ('set = "my.npz"', "ds-cnn-s-28x28x1", "12x8x3"),
        ('set = "my.npz"', "ds-cnn-s-8x12x3", "mine.toml: [net], name"),
        ('set = "my.npz"', "mobilenet", "[net], name"),
        ('set = "my.npz"\nevery = 13 #', "ds-cnn-s-12x8x3", "[data], every"),
        (
            'set = "my.npz"\nsource = "archive" #',
            "ds-cnn-s-12x8x3",
            "[data], source",
        ),
    ],
)
def test_own_data_that_cannot_be_built_are_refused_in_one_line(
    line: str, net: str, key: str, recipe: Path, tmp_path: Path
) -> None:
    pictures(tmp_path / "my.npz")
    text = recipe.read_text()
    for key in re.findall(r"(\w+) = .* #$", line):  # said by the line itself
        text = re.sub(rf"(?m)^{key} = .*\n", "", text)
    recipe.write_text(text)
    status, output = build(recipe, line, net)
    assert (status, output.count("\n")) == (1, 1)
    assert output.startswith("Error: ")
    assert key in output
    assert not (tmp_path / "out").exists()
