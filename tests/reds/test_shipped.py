"""What is shipped fits together, and what is said of a pack is what it holds."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds import pack
from reds.data.catalog import SETS
from reds.data.labeled import find_labeled
from reds.data.local_files import sha256_of
from reds.errors import LabeledSetMissing
from reds.experiment.prepare import graph_of
from reds.experiment.recipe_file import load_recipe
from reds.fixtures import fixtures_dir
from reds.nesting.budgets import check_budgets
from reds.pack import interpreter, save
from reds.pack.model import Kind
from reds.zoo.mobilenet import mobilenet
from reds.zoo.random_weights import with_random_weights
from tests.reds.support.command import run
from tests.support.nets import Maker, dense_model

SHIPPED = fixtures_dir() / "kws-dnn-s.reds"


@pytest.mark.parametrize("path", sorted(fixtures_dir().glob("*.reds")), ids=lambda path: path.stem)
def test_a_shipped_card_is_of_the_shipped_pack_and_recipe(path: Path) -> None:
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["pack_sha256"] == sha256_of(path)
    assert card["recipe"]["sha256"] == sha256_of(fixtures_dir() / "recipes" / f"{path.stem}.toml")
    model = pack.load(path)
    try:
        x, y = find_labeled(card, fixtures_dir())
    except LabeledSetMissing:  # CIFAR-10 may not be passed on
        assert card["labelled"]["name"].startswith("cifar-10")
        x, y = np.empty((0, model.input_size), np.int8), np.empty(0)
    for i, subnet in enumerate(card["subnets"]):
        accuracy = subnet["accuracy"]
        if len(x):
            parts = [interpreter.run(model, i, part) for part in np.array_split(x, 1 + len(x) // 64)]
            right = float((np.concatenate(parts).argmax(1) == y).mean())
            assert right == pytest.approx(accuracy["labelled"], abs=1e-6)
        assert min(accuracy["labelled"], accuracy["test"]) >= subnet["floor"]
        # Half a point: three of the 586 validation clips, which are 0.51 %.
        assert accuracy["float_validation"] - accuracy["validation"] <= 3 / 586 + 1e-6


def test_inspect_prints_subnets_and_bytes() -> None:
    status, output = run("inspect", SHIPPED)
    assert status == 0
    for word in ("dense", "25%", "100%", "79,200", f"{SHIPPED.stat().st_size:,} bytes", "arena"):
        assert word in output


def test_inspect_shows_accuracies_of_the_card_and_which_boards_have_room(tmp_path: Path) -> None:
    _, output = run("inspect", SHIPPED)
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    for subnet in card["subnets"]:
        assert f"{100 * subnet['accuracy']['test']:.1f} %" in output
    assert "Nano 33 BLE: fits: flash " in output
    alone = tmp_path / "net.reds"
    shutil.copy(SHIPPED, alone)
    assert "accuracy" not in run("inspect", alone)[1]
    save(with_random_weights("wide", mobilenet(0.5)), alone)
    status, output = run("inspect", alone)
    assert status == 0
    assert "Nano 33 BLE: does not fit: flash " in output
    assert "Pi, Android, desktop: fits: flash " in output


def test_inspect_shows_windows_and_all_units_of_a_convolutional_net() -> None:
    status, output = run("inspect", fixtures_dir() / "kws-ds-cnn-s.reds")
    assert status == 0
    for word in ("49x10x1", "10x4 by 2x2", "25x5x64", "1-24-36-24-24-44-12", "1-64-64-64-64-64-12"):
        assert word in output


@pytest.mark.parametrize("name", ["net[/x]", "a [red] net", ":smile:"])
def test_inspect_prints_names_as_they_are(name: str, tmp_path: Path) -> None:
    model = dense_model([8, 6, 4], [[3, 4], [6, 4]])
    small, large = model.subnets
    subnets = replace(small, name="[/x]"), replace(large, name="n[red]")
    pack.save(replace(model, name=name, subnets=subnets), tmp_path / "net.reds")
    status, output = run("inspect", tmp_path / "net.reds")
    assert status == 0
    assert f"{name}: 8 int8 inputs" in output
    assert "[/x]" in output
    assert "n[red]" in output


def test_inspect_of_a_net_without_weights_prints_no_share(tmp_path: Path) -> None:
    maker = Maker(4, 4, 2)
    maker.add(Kind.MAX_POOL, 0, (2, 2))
    pack.save(maker.build([[]], "pool"), tmp_path / "net.reds")
    status, output = run("inspect", tmp_path / "net.reds")
    assert status == 0
    assert "100%" in output


@pytest.mark.parametrize("harm", ["missing", "truncated", "flipped", "folder"])
def test_inspect_of_a_bad_pack_is_one_line(harm: str, tmp_path: Path) -> None:
    path, data = tmp_path / "bad.reds", bytearray(SHIPPED.read_bytes())
    if harm == "truncated":
        path.write_bytes(data[:-7])
    elif harm == "flipped":
        data[5000] ^= 4
        path.write_bytes(data)
    elif harm == "folder":
        path.mkdir()
    status, output = run("inspect", path)
    assert status == 1
    assert output.count("\n") == 1
    assert output.startswith("Error: ")
    assert "bad.reds" in output


def test_a_layout_does_not_replace_the_pack(tmp_path: Path) -> None:
    pack_there = tmp_path / "mine.reds"
    pack_there.write_bytes(SHIPPED.read_bytes())
    status, output = run("layout", pack_there, "radix256", tmp_path / "." / "mine.reds")
    assert (status, output.count("\n")) == (1, 1)
    assert "mine.reds" in output
    assert pack_there.read_bytes() == SHIPPED.read_bytes()
    status, output = run("layout", pack_there, "radix256", tmp_path / "none" / "out.reds")
    assert status == 1
    assert output.startswith(f"Error: {tmp_path / 'none' / 'out.reds'}: there is no folder ")


def test_inspecting_and_checking_need_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['ortools'] = None\n"
        "import reds.pack.interpreter, reds.data.labeled\n"
        "from reds.cli import main\n"
        "main(sys.argv[1:])"
    )

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    assert "100%" in command("inspect", SHIPPED).stdout
    build = command("build", fixtures_dir() / "recipes" / f"{SHIPPED.stem}.toml")
    assert build.returncode == 1
    assert build.stderr.startswith("Error: torch")
    assert "pip install 'reds-hil[train]'" in build.stderr


@pytest.mark.parametrize("path", sorted((fixtures_dir() / "recipes").glob("*.toml")), ids=lambda p: p.stem)
def test_every_shipped_recipe_names_a_net_that_reads_its_data_and_fits_its_budgets(path: Path) -> None:
    recipe = load_recipe(path)
    how, budgets = recipe.selection, [subnet.budget for subnet in recipe.subnet]
    check_budgets(graph_of(recipe, SETS[recipe.data.set]), budgets, how.step, how.least)
    assert recipe.name == path.stem
