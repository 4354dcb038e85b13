"""A recipe is read whole or refused with the file, the table and the key."""

import re
import tomllib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import RecipeError
from reds.experiment.prepare import method_of
from reds.experiment.recipe import Recipe
from reds.experiment.recipe_file import load_recipe, parse_recipe
from reds.fixtures import fixtures_dir
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.pack.layouts import LAYOUTS
from reds.zoo import by_name

SHIPPED = fixtures_dir() / "recipes" / "kws-dnn-s.toml"
TEXT = SHIPPED.read_text()


def changed(old: str, new: str) -> str:
    text = re.sub(rf"(?m)^{old}.*$", new, TEXT, count=1)
    assert text != TEXT
    return text


def test_the_shipped_recipe() -> None:
    recipe = load_recipe(SHIPPED)
    assert (recipe.name, recipe.net.name, recipe.data.every) == ("kws-dnn-s", "dnn-s", 2)
    assert [subnet.name for subnet in recipe.subnet] == ["25%", "50%", "75%", "100%"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("seed", "sed = 0", "the top level has no key sed: did you mean seed?"),
        ("set", "sett = 's'", "[data] has no key sett: did you mean set?"),
        ("source", "source = 'web'", "source: 'auto' or 'prepared' or 'archive' is needed, not 'web'"),
        (r"name = .dnn", "name = 'dnn-m'", "[net], name: one of dnn-s, dnn-l, cnn-s"),
        ("flip", "flip = 1", "[augmentation], flip: true or false is needed, not 1"),
        ("shift_rows", "shift_rows = 49", "[augmentation], shift_rows: 0 to 48 is needed"),
        ("set", "set = 'fashion-mnist'\nzz = 1", "[data] has no key zz: it takes set, source"),
        ("epochs", "epochs = 1.5", "[full], epochs: a whole number is needed, not 1.5"),
        ("epochs", "epochs = true", "[full], epochs: a whole number is needed, not True"),
        ("epochs", "epochs = 0", "[full], epochs: 1 or more is needed"),
        ("rate", "rate = 'fast'", "[full], rate: a number is needed, not 'fast'"),
        ("distil", "", "[joint] lacks distil"),
        ("distil", "distil = 1.5", "[joint], distil: 0 to 1 is needed"),
        ("floor", "flor = 0.5", "[[subnet]] number 1 has no key flor: did you mean floor?"),
        ("budget", "budget = 0.9", "[[subnet]], budget: ascending fractions"),
        ("floor", "floor = 0\narena = 0", "[[subnet]], arena: more than 0 is needed"),
        ("floor", "floor = 0\nflash = 0.5", "[[subnet]] number 1, flash: a whole number is needed, not 0.5"),
        ("floor", "floor = 0\nlatency = 9", "[device], times: a file, for subnets with a latency, is needed"),
        ("budget = 1.0", "budget = 1.0\narena = 9", "[[subnet]], the last one: the full net, with no other"),
        (r"\[joint\]", "[device]\nlayout = 'x'\n[joint]", "[device], layout: 'canonical' or 'radix256' or"),
        ("name", "name = '../up'", "the top level, name: 1 to 31 bytes that can name a file"),
        ("name", "name = 'kws", "not valid TOML"),
        ("every", "every = 2\nzzz = 1", "[data] has no key zzz: it takes set, source, every"),
        (r"\[net\]", "[nett]", "the top level has no key nett: did you mean net?"),
    ],
)
def test_a_wrong_key_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(RecipeError, match=r"^r\.toml: ") as caught:
        parse_recipe(changed(old, new), "r.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_that_a_recipe_lacks_is_named_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe("name = 'mine'\nseed = 0\n[net]\nname = 'dnn-s'\n", "r.toml")
    says = str(caught.value)
    assert says.startswith(
        "r.toml: the top level lacks [data] with set and source and every and balanced, [aug"
    )
    assert "[[subnet]] with budget and floor; the recipes in " in says
    assert "\n" not in says


def test_the_recipe_in_the_docs_is_whole_and_its_budgets_can_be_met() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "packs.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    recipe = parse_recipe(text, "docs")
    assert recipe.device is not None
    layout = next(each for each in LAYOUTS.values() if each.name == recipe.device.layout)
    untimed = [replace(budget, latency=None) for budget in method_of(recipe).budgets]
    how = recipe.selection
    check_budgets(by_name(recipe.net.name, 5), untimed, how.step, how.least, TargetProfile(layout))


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read: No such file"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path)


NUMBERS = st.integers(-3, 3) | st.floats(-2, 2)
VALUES = NUMBERS.map(repr) | st.sampled_from(["true", "'ab'", "''", "[]", "[1]", "{}", "1979-05-27"])


@given(st.sampled_from(re.findall(r"(?m)^(\w+) = ", TEXT)), VALUES)
def test_any_value_gives_a_recipe_or_one_clear_line(key: str, value: str) -> None:
    text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", TEXT, count=1)
    with suppress(RecipeError):  # any other error fails
        assert isinstance(parse_recipe(text, "r.toml"), Recipe)


@given(st.text(max_size=60))
def test_any_text_gives_one_clear_line(text: str) -> None:
    with pytest.raises(RecipeError, match=r"^r\.toml: "):
        parse_recipe(text, "r.toml")


def test_the_shipped_recipe_says_nothing_else() -> None:
    assert set(tomllib.loads(TEXT)) == set(Recipe.__dataclass_fields__) - {"device", "int8"}
