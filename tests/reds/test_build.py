"""The commands, on a tiny data set put where the cache of the archive's features would be."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds import pack
from reds.data.catalog import SETS
from reds.data.images import to_int8
from reds.data.labeled import find_labeled
from reds.data.load import IMAGES
from reds.data.local_files import sha256_of
from reds.data.speech_archive import FORMAT, SHA256
from reds.experiment.compare import paired, render
from reds.fixtures import fixtures_dir
from reds.nesting.cost.latency import Latency, LayerTimes, save
from reds.pack import interpreter, layouts
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Model
from reds.zoo import by_name
from tests.reds.support.command import run
from tests.reds.support.pictures import sheets
from tests.reds.support.pictures import shipped as shipped_pictures
from tests.reds.support.speech import tiny_speech


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped recipe with two epochs and small batches."""
    data = tiny_speech()
    np.savez(
        tmp_path / f"speech_commands_v0.02-{SHA256[:12]}-features{FORMAT}.npz",
        train_x=data.train_x, train_y=data.train_y,
        validation_x=data.validation_x, validation_y=data.validation_y,
    )  # fmt: skip
    monkeypatch.setenv("REDS_DATA", str(tmp_path))
    text = (fixtures_dir() / "recipes" / "kws-dnn-s.toml").read_text()
    text = re.sub(r"epochs = \d+", "epochs = 2", re.sub(r"batch = \d+", "batch = 32", text))
    text = re.sub(r"floor = .*", "floor = 0.0", text)
    path = tmp_path / "tiny.toml"
    path.write_text(text.replace('source = "auto"', 'source = "archive"'))
    return path


def units(model: Model, subnet: int) -> list[int]:
    return [step.units_out for step in model.subnets[subnet].steps]


def test_build_gives_the_same_pack_and_card_from_the_same_seed(recipe: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        status, output = run("build", recipe, "--out", tmp_path / out)
        assert status == 0, output
    one, two = ((tmp_path / out / "kws-dnn-s.reds").read_bytes() for out in ("a", "b"))
    assert one == two
    card = json.loads((tmp_path / "a" / "kws-dnn-s.json").read_text())
    assert card == json.loads((tmp_path / "b" / "kws-dnn-s.json").read_text())
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["kws-dnn-s.json", "kws-dnn-s.reds"]

    model = pack.loads(one, "a")
    x, y = find_labeled(card, tmp_path)
    assert card["pack_sha256"] == sha256_of(tmp_path / "a" / "kws-dnn-s.reds")
    assert card["bytes"] == len(one)
    assert card["recipe"]["sha256"] == sha256_of(recipe)
    assert card["trained_on"]["files"] == {"speech_commands_v0.02.tar.gz": SHA256}
    assert "seed 59185" in card["trained_on"]["split"]
    for i, subnet in enumerate(card["subnets"]):
        assert (subnet["label"], subnet["macs"]) == (model.subnets[i].name, model.macs(i))
        assert subnet["widths"][1:] == units(model, i)
        right = float((interpreter.run(model, i, x).argmax(1) == y).mean())
        assert subnet["accuracy"]["test"] == pytest.approx(right, abs=1e-6)


def test_a_built_convolutional_net_is_tested_on_all_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fashion-MNIST's recipe, short and on the 1,000 shipped pictures, as if no labeled set were shipped."""
    some = shipped_pictures(400, 100)
    parts = {name: getattr(some, name) for name in ("train_x", "train_y", "test_x", "test_y")}
    files = {"tiny.npz": sheets(tmp_path / "tiny.npz", **parts)}
    monkeypatch.setenv("REDS_DATA", str(tmp_path))
    monkeypatch.setitem(IMAGES, "fashion-mnist", (files, IMAGES["fashion-mnist"][1]))
    monkeypatch.setitem(SETS, "fashion-mnist", replace(SETS["fashion-mnist"], file="own.npz", labeled=60))
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
    monkeypatch.setattr("reds.quantization.range_search.CALIBRATION", 64)
    text = (fixtures_dir() / "recipes" / "fashion-ds-cnn-s.toml").read_text()
    path = tmp_path / "tiny.toml"
    text = re.sub(r"epochs = \d+", "epochs = 1", re.sub(r"batch = \d+", "batch = 20", text))
    path.write_text(re.sub(r"floor = .*", "floor = 0.0", text))
    status, output = run("build", path, "--out", tmp_path / "out")
    assert status == 0, output

    target = tmp_path / "out" / "fashion-ds-cnn-s.reds"
    card, model = json.loads(target.with_suffix(".json").read_text()), pack.load(target)
    assert (card["tested_on"], card["labelled"]["clips"]) == (100, 60)
    assert card["trained_on"]["files"] == files
    assert "5% of every class" in card["trained_on"]["split"]
    x, y = find_labeled(card, target.parent)
    np.testing.assert_array_equal(x.reshape(60, 28, 28, 1), to_int8(some.test_x[:60]))
    every = to_int8(some.test_x).reshape(100, -1)
    for i, subnet in enumerate(card["subnets"]):
        accuracy = subnet["accuracy"]
        for share, inputs, labels in (("labelled", x, y), ("test", every, some.test_y)):
            right = float((interpreter.run(model, i, inputs).argmax(1) == labels).mean())
            assert accuracy[share] == pytest.approx(right, abs=1e-6)
    assert subnet["accuracy"]["float_test"] > 0.2


def test_a_net_that_reads_other_inputs_is_refused(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text().replace('"dnn-s"', '"ds-cnn-s"'))
    status, output = run("build", recipe, "--out", tmp_path / "out")
    assert (status, output.count("\n")) == (1, 1)
    for word in ("[net], name", "49x10x1", "25x10x1", "write dnn-s or dnn-l or "):
        assert word in output


def test_compare_writes_every_pack_and_a_table(recipe: Path, tmp_path: Path) -> None:
    status, output = run("compare", recipe, "--seeds", "0,1", "--out", tmp_path / "out")
    assert status == 0, output
    assert len(list((tmp_path / "out").glob("*.reds"))) == 2 * 5
    assert len(list((tmp_path / "out").iterdir())) == 2 * 2 * 5
    for seed in (0, 1):
        nested = pack.load(tmp_path / "out" / f"kws-dnn-s-seed{seed}.reds")
        for i, label in enumerate((25, 50, 75, 100)):
            alone = pack.load(tmp_path / "out" / f"kws-dnn-s-seed{seed}-alone{i}.reds")
            assert units(alone, 0) == units(nested, i)
            card = json.loads((tmp_path / "out" / f"kws-dnn-s-seed{seed}-alone{i}.json").read_text())
            assert (card["seed"], [row["label"] for row in card["subnets"]]) == (seed, [f"{label}%"])
    assert re.search(r"\| 25% \| \d+\.\d\d \| \d+\.\d\d \| [+-]\d+\.\d\d \([+-]", output)
    losses = re.findall(r"(?m)^\| \d+% \| (\d+\.\d{3}) \| (\d+\.\d{3}) \| ([+-]\d+\.\d{3}) \([+-]", output)
    assert len(losses) == 4
    for nested, alone, less in losses:
        assert float(nested) - float(alone) == pytest.approx(float(less), abs=0.0011)
    assert "One nested pack" in output
    made = f"Recipe kws-dnn-s ({sha256_of(recipe)[:12]}), epochs 2 full + 2 joint, seeds 0, 1."
    assert output.rstrip().endswith(made)
    assert all(len(line) <= 80 for line in output.splitlines() if line.startswith("|"))


def test_reproduce_writes_our_accuracies_beside_the_papers(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped" / "recipes"
    shipped.mkdir(parents=True)
    (shipped / "kws-dnn-s.toml").write_text(recipe.read_text().replace("epochs = 2", "epochs = 1"))
    monkeypatch.setattr("reds.experiment.reproduce.run.fixtures_dir", lambda: shipped.parent)
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 2)
    arguments = ("reproduce", "kws-dnn-s", "--seeds", "3,4", "--out")
    status, output = run(*arguments, tmp_path / "out")
    assert status == 0, output
    text = (tmp_path / "out" / "kws-dnn-s.md").read_text()
    assert output.endswith(text + "\n")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == [
        "subnet", "paper, alone", "reds", "alone", "uniform", "even", "magnitude", "random",
    ]  # fmt: skip
    assert [row[:2] for row in rows[2:6]] == [
        ["100%", "83.52, 84.30"],
        ["75%", "82.29, 83.77"],
        ["50%", "78.36, 80.91"],
        ["25%", "64.42, 69.77"],
    ]
    (shares,) = re.findall(r"(?m)^- reds (.*)$", text)
    for share, most in zip(map(float, shares.split("/")), (100, 65.8, 33.8, 9.8), strict=True):
        assert most - 2 < share <= most
    for seed in (3, 4):
        ours, uniform = (
            json.loads((tmp_path / "out" / f"kws-dnn-s-seed{seed}-{of}.json").read_text())
            for of in ("reds", "uniform")
        )
        for i, subnet in enumerate(uniform["subnets"]):
            assert len(set(subnet["widths"][1:-1])) == 1
            one = json.loads((tmp_path / "out" / f"kws-dnn-s-seed{seed}-alone{i}.json").read_text())
            assert one["subnets"][0]["widths"] == ours["subnets"][i]["widths"]
    accuracy = 100 * np.mean([
        json.loads((tmp_path / "out" / f"kws-dnn-s-seed{seed}-magnitude.json").read_text())
        ["subnets"][0]["accuracy"]["test"] for seed in (3, 4)
    ])  # fmt: skip
    assert rows[5][6] == f"{accuracy:.2f}"
    assert [row[0] for row in rows[6:12]] == ["subnet", "---", "100%", "75%", "50%", "25%"]
    low, high = sorted(
        100 * json.loads((tmp_path / "out" / f"kws-dnn-s-seed{seed}-magnitude.json").read_text())
        ["subnets"][0]["accuracy"]["test"] for seed in (3, 4)
    )  # fmt: skip
    assert rows[11][5] == f"{high - low:.2f}"
    assert [row[0] for row in rows[12:18]] == ["subnet", "---", "100%", "75%", "50%", "25%"]
    losses = np.array([row[2:] for row in rows[14:18]], float)
    assert (losses > 0).all()
    assert [row[:2] for row in rows[20:25]] == [
        ["100%", each] for each in ("alone", "uniform", "even", "magnitude", "random")
    ]
    for row, (ours, *others) in zip(rows[20::5], losses, strict=True):
        assert float(row[3].split()[0]) == pytest.approx(ours - others[0], abs=0.0011)
    assert all(len(line) <= 80 for line in text.splitlines() if line.startswith("|"))
    sha256 = sha256_of(shipped / "kws-dnn-s.toml")
    made = f"Recipe kws-dnn-s ({sha256[:12]}), epochs 1 full + 1 joint, seeds 3, 4."
    assert text.startswith(made)
    assert "not on equal terms" in text
    against = " ".join(f"--against {each}" for each in ("alone", "uniform", "even", "magnitude", "random"))
    assert f"(`reds reproduce kws-dnn-s --seeds 3,4 {against}`)" in text
    plot = (tmp_path / "out" / "kws-dnn-s.svg").read_bytes()
    assert made.encode() in plot
    assert all(f">our {name}<".encode() in plot for name in ("reds", "alone", "uniform", "random"))
    assert not list((tmp_path / "out").glob("*.training"))


def test_the_paired_interval_covers_and_narrows() -> None:
    rng = np.random.default_rng(1)
    alone = rng.random((3, 2000)) < 0.8
    nested = alone ^ (rng.random((3, 2000)) < 0.02)
    row = paired(nested, alone)
    difference = row.nested - row.alone
    assert row.low < difference < row.high
    # Two thirds of the clips agree in every seed: pairing leaves far less than the spread of two accuracies.
    assert row.high - row.low < 0.04
    same = paired(alone, alone)
    assert (same.low, same.high) == (0, 0)
    assert "| 50% | 80.00 | 80.00 | +0.00 (+0.00 to +0.00) |" in render(
        ["50%"], [type(row)(0.8, 0.8, 0.0, 0.0)], [same], [(100, 400)], 3, 2000
    )


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (r"seed = \d+", "sead = 0", "sead"),
        (r"rate = .*", "rate = 1e30", "[full] rate` of a recipe): it is 1e+30"),
        (
            "budget = 0.25",
            "budget = 0.001",
            "subnet 1",
        ),
        ('source = "archive"', 'source = "prepared"', "kws12_train.npz"),
    ],
)
def test_a_failed_build_is_one_line_and_leaves_nothing(
    old: str, new: str, key: str, recipe: Path, tmp_path: Path
) -> None:
    recipe.write_text(re.sub(old, new, recipe.read_text()))
    status, output = run("build", recipe, "--out", tmp_path / "out")
    assert status == 1
    assert key in output.splitlines()[-1]
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("command", ["build", "compare"])
def test_a_budget_that_nothing_fits_is_found_before_the_data_are(
    command: str, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reds.experiment.prepare.load_data", None)
    recipe.write_text(recipe.read_text().replace("budget = 0.25", "budget = 0.01"))
    status, output = run(command, recipe, "--out", tmp_path / "out")
    assert status == 1
    assert output.startswith(f"Error: {recipe}: subnet 1")
    assert output.count("\n") == 1


def test_a_build_says_what_it_reached_and_which_floor_it_missed(recipe: Path, tmp_path: Path) -> None:
    text = re.sub(r"floor = .*", "floor = 1.0", recipe.read_text())
    recipe.write_text(text.replace("floor = 1.0", "floor = 0.0", 1))
    status, output = run("build", recipe, "--out", tmp_path)
    assert status == 1, output
    card = json.loads((tmp_path / "kws-dnn-s.json").read_text())
    for subnet in card["subnets"]:
        assert f"{100 * subnet['accuracy']['test']:.2f} %" in output
        missed = subnet["accuracy"]["labelled"] < subnet["floor"]
        assert missed == (f"subnet {subnet['label']} misses its floor: " in output)
    assert "subnet 25% misses" not in output
    assert "subnet 50% misses" in output
    assert re.search(r"^Error: 50%, 75%, 100%: .*--allow-missed-floors$", output, re.MULTILINE)
    assert run("build", recipe, "--out", tmp_path, "--allow-missed-floors")[0] == 0


@pytest.mark.parametrize("command", ["build", "compare"])
def test_a_place_that_cannot_be_written_is_found_before_the_training(
    command: str, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    status, output = run(command, recipe, "--out", tmp_path / "file")
    assert status == 1
    assert output.splitlines()[-1].startswith(f"Error: {tmp_path / 'file'}: ")
    assert "validation" not in output


def test_further_budgets_of_a_recipe_hold(recipe: Path, tmp_path: Path) -> None:
    """A board on which a layer takes a hundredth of a microsecond for each pair of units."""
    graph = by_name("dnn-s")
    times = {}
    for layer in graph.layers:
        units = [np.array([4, graph.full[g]]) if graph.groups[g].cut else np.array([graph.full[g]])
                 for g in (layer.reads[0].group, layer.writes[0].group)]  # fmt: skip
        times[layer.name] = LayerTimes(units, 0.01 * np.outer(*units))
    save(Latency("desk", times), tmp_path / "times.json")
    text = recipe.read_text().replace("budget = 0.25\n", "budget = 0.25\narena = 820\nlatency = 180\n")
    recipe.write_text(text + '\n[device]\nlayout = "radix256"\ntimes = "times.json"\n')
    status, output = run("build", recipe, "--out", tmp_path)
    assert status == 0, output
    card = json.loads((tmp_path / "kws-dnn-s.json").read_text())
    built, macs = pack.load(tmp_path / "kws-dnn-s.reds"), [subnet["macs"] for subnet in card["subnets"]]
    assert macs[0] <= 18_000 < 0.25 * 79_200, "180 us are 18,000 pairs"
    assert macs[0] > 17_000
    assert [subnet["predicted"]["us"] for subnet in card["subnets"]] == [n / 100 for n in macs]
    assert f"{macs[0] / 100:.1f} │" in output
    assert layouts.plan(built, 0, layouts.preferring(built, LAYOUTS[4])).size <= 820
    recipe.write_text(text + '\n[device]\nlayout = "radix256"\n')
    assert "[device], times" in run("build", recipe)[1]
    recipe.write_text(text + '\n[device]\nlayout = "radix256"\ntimes = "none.json"\n')
    assert "none.json" in run("build", recipe)[1]


def test_the_last_epochs_may_see_what_int8_rounds_off(recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text()
    assert run("build", recipe, "--out", tmp_path)[0] == 0
    plain = json.loads((tmp_path / "kws-dnn-s.json").read_text())
    recipe.write_text(text + "\n[int8]\nepochs = 2\nrate = 2e-3\n")
    status, output = run("build", recipe, "--out", tmp_path, "--force")
    assert status == 0, output
    assert "rounded 2/2 validation" in output
    tuned = json.loads((tmp_path / "kws-dnn-s.json").read_text())
    for kind in ("float_validation", "float_test"):  # of the net before them, which int8 is held against
        assert [s["accuracy"][kind] for s in tuned["subnets"]] == [
            s["accuracy"][kind] for s in plain["subnets"]
        ]
    before, after = (sum(s["accuracy"]["validation"] for s in c["subnets"]) for c in (plain, tuned))
    assert after > before
    recipe.write_text(text + "\n[int8]\nepochs = 0\nrate = 2e-3\n")
    assert "[int8], epochs" in run("build", recipe)[1]


@pytest.mark.parametrize("seeds", ["a,b", "", "1,1", "-1", "2147483648", "99999999999999999999"])
def test_seeds_that_are_not_distinct_small_numbers_are_refused(seeds: str, recipe: Path) -> None:
    status, output = run("compare", recipe, "--seeds", seeds)
    assert status == 2
    assert "--seeds" in output


def test_a_killed_build_goes_on_to_the_same_pack_unless_its_device_has_changed(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def times(us: float) -> None:
        graph, layers = by_name("dnn-s"), {}
        for layer in graph.layers:
            units = [np.array([4, graph.full[g]]) if graph.groups[g].cut else np.array([graph.full[g]])
                     for g in (layer.reads[0].group, layer.writes[0].group)]  # fmt: skip
            layers[layer.name] = LayerTimes(units, us * np.outer(*units))
        save(Latency("desk", layers), tmp_path / "times.json")

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    def build(folder: str) -> bytes:
        status, output = run("build", recipe, "--out", tmp_path / folder)
        assert status == 0, output
        return (tmp_path / folder / "kws-dnn-s.reds").read_bytes()

    text = recipe.read_text().replace("budget = 0.25\n", "budget = 0.25\nlatency = 180\n")
    text += '\n[device]\nlayout = "radix256"\ntimes = "times.json"\n\n[int8]\nepochs = 2\nrate = 2e-3\n'
    recipe.write_text(text)
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 2)
    times(0.01)
    whole = build("whole")
    for folder in ("same", "other"):
        with monkeypatch.context() as patched:
            patched.setattr("reds.experiment.pipeline.best_ranges", kill)
            run("build", recipe, "--out", tmp_path / folder)
        assert [p.name for p in (tmp_path / folder).iterdir()] == ["kws-dnn-s.training"]
    assert build("same") == whole
    times(0.008)
    assert build("other") != whole
    assert not list(tmp_path.glob("*/*.training"))
