"""The key of a kept training: changed by what decides the bits, and by nothing else."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds.data.catalog import SETS, Data
from reds.experiment import training_key
from reds.experiment.recipe_file import load_recipe
from reds.experiment.training_key import code_digest, deciding_modules, key_of, without_docstrings
from reds.fixtures import fixtures_dir
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.latency import Latency, LayerTimes
from reds.training.checkpoint import differences

SOURCE = '''"""A module."""

RATE = 0.1
"""Of learning."""


class Net:
    """A net."""

    units: int = 3
    """How many."""

    def run(self, x: int) -> str:
        """Run it."""
        # twice
        return f"{2 * x}" + "text"


async def nothing() -> None:
    """Do nothing."""
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A module.", "Another module."),
        ('"""A module."""\n', ""),
        ("Of learning.", "Of forgetting."),
        ('    """How many."""\n', ""),
        ("Run it.", "Run this.\n\n        Twice."),
        ("# twice", "# as often as it takes"),
        ("        # twice\n", "\n\n"),
        ('"""Do nothing."""', "pass"),
    ],
)
def test_a_changed_docstring_or_comment_leaves_the_code_the_same(old: str, new: str) -> None:
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert without_docstrings(changed) == without_docstrings(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.1", "RATE = 0.2"),
        ("units: int = 3", "units: int = 4"),
        ("2 * x", "3 * x"),
        ('"text"', '"words"'),
        ("class Net", "class Other"),
        ("return f", "return 'a' or f"),
    ],
)
def test_a_changed_statement_makes_the_code_another(old: str, new: str) -> None:
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert without_docstrings(changed) != without_docstrings(SOURCE)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package whose code the key is of."""
    home = Path(training_key.__file__).parents[1]
    shutil.copytree(home, tmp_path / "reds", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(training_key, "__file__", str(tmp_path / "reds" / "experiment" / "training_key.py"))
    code_digest.cache_clear()
    yield tmp_path / "reds"
    code_digest.cache_clear()


def edited(path: Path, old: str, new: str) -> str:
    """The digest of the code once `old` is `new` in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    code_digest.cache_clear()
    return code_digest()


def test_a_comment_in_the_trainer_keeps_the_digest_and_a_number_changes_it(copied: Path) -> None:
    trainer, before = copied / "training" / "trainer.py", code_digest()
    assert edited(trainer, '"""', '"""Again: ') == before
    assert edited(trainer, "BATCH = 256", "# how many\nBATCH = 256") == before
    assert edited(trainer, "BATCH = 256", "BATCH = 255") != before


def test_every_room_that_decides_the_bits_is_covered_and_no_other() -> None:
    home = Path(training_key.__file__).parents[1]
    covered = {path.relative_to(home).as_posix() for path in deciding_modules(home)}
    rooms = {name.split("/")[0] for name in covered}
    assert rooms == {path.name for path in home.iterdir() if (path / "__init__.py").exists()} - {"export"}
    assert {n for n in covered if n.startswith("experiment")} == {
        "experiment/pipeline.py", "experiment/prepare.py", "experiment/recipe.py",
    }  # fmt: skip
    assert {"training/trainer.py", "pack/interpreter/__init__.py", "nesting/solver/solve.py"} < covered


def test_name_recipe_data_and_times_change_the_key() -> None:
    recipe = load_recipe(fixtures_dir() / "recipes" / "kws-dnn-s.toml")
    x, y = np.zeros((1, 2, 49, 10, 1), np.int8), np.zeros(2, np.uint8)
    data = Data(SETS["speech-commands"], x, y, x[0], y, x[0], y, {"a.npz": "0" * 64}, "by hand")
    times = Latency("desk", {"dense1": LayerTimes([np.array([4, 8])] * 2, np.ones((2, 2)))})
    plain = TargetProfile()
    keys = [
        key_of("mine", recipe, data, plain),
        key_of("other", recipe, data, plain),
        key_of("mine", replace(recipe, seed=recipe.seed + 1), data, plain),
        key_of("mine", recipe, replace(data, files={"a.npz": "1" * 64}), plain),
        key_of("mine", recipe, replace(data, split="otherwise"), plain),
        key_of("mine", recipe, data, replace(plain, latency=times)),
    ]
    assert len({tuple(key.items()) for key in keys}) == len(keys)
    assert key_of("mine", recipe, replace(data, test_x=x[0] + np.int8(1)), plain) == keys[0]


def test_a_floor_a_source_and_the_recipes_own_name_decide_no_bit() -> None:
    recipe = load_recipe(fixtures_dir() / "recipes" / "kws-dnn-s.toml")
    x, y = np.zeros((1, 2, 49, 10, 1), np.int8), np.zeros(2, np.uint8)
    data = Data(SETS["speech-commands"], x, y, x[0], y, x[0], y, {"a.npz": "0" * 64}, "by hand")
    other = replace(
        recipe, name="other", data=replace(recipe.data, source="archive"),
        subnet=tuple(replace(subnet, floor=0.1) for subnet in recipe.subnet),
    )  # fmt: skip
    before, now = (key_of("mine", each, data, TargetProfile()) for each in (recipe, other))
    assert before == now
    longer = replace(recipe, joint=replace(recipe.joint, epochs=7))
    text = differences(before, key_of("mine", longer, data, TargetProfile()))
    assert text == f"[joint] epochs was {recipe.joint.epochs} and is 7"


def test_every_option_of_a_recipe_is_in_the_key_but_those_that_decide_nothing() -> None:
    """So that no option can be added and forgotten."""
    recipe = load_recipe(fixtures_dir() / "recipes" / "kws-dnn-s.toml")
    x, y = np.zeros((1, 2, 49, 10, 1), np.int8), np.zeros(2, np.uint8)
    data = Data(SETS["speech-commands"], x, y, x[0], y, x[0], y, {}, "by hand")
    key = key_of("mine", recipe, data, TargetProfile())
    for name in ("seed", "[net] name", "[data] every", "[full] rate", "[joint] norms", "[selection] least"):
        assert name in key
    assert {name for name in key if name.startswith("[[subnet]] number 4")} == {
        f"[[subnet]] number 4 {option}"
        for option in ("budget", "macs", "flash", "arena", "latency", "energy", "name")
    }
