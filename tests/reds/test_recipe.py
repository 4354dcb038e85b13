"""A recipe is read whole or refused with the file, the table and the key."""

import re
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.data.options import AugmentationOptions, DataOptions
from reds.errors import RecipeError
from reds.experiment.board import Target
from reds.experiment.compare import trainings_of_seed
from reds.experiment.recipe import DeviceRecipe, Recipe, SubnetRecipe
from reds.experiment.recipe_file import load_recipe, parse_recipe
from reds.fixtures import fixtures_dir
from reds.graph.subnets import Budget
from reds.nesting.options import SelectionOptions
from reds.reading import names_a_file
from reds.training.options import JointOptions, TrainingOptions

SHIPPED = fixtures_dir() / "recipes" / "kws-dnn-s.toml"
TEXT = SHIPPED.read_text()


def changed(old: str, new: str) -> str:
    text = re.sub(rf"(?m)^{old}.*$", new, TEXT, count=1)
    assert text != TEXT
    return text


def test_the_shipped_recipe_is_read() -> None:
    recipe = load_recipe(SHIPPED)
    assert (recipe.name, recipe.net.name, recipe.data.every) == ("kws-dnn-s", "dnn-s", 2)
    assert [subnet.name for subnet in recipe.subnet] == ["25%", "50%", "75%", "100%"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("seed", "sed = 0", "sed.*seed"),
        ("set", "sett = 's'", r"\[data\].* sett.* set"),
        ("source", "source = 'web'", r"\[data\], source.*'web'"),
        (r"name = .dnn", "name = 'dnn-m'", r"\[net\], name"),
        ("flip", "flip = 1", r"\[augmentation\], flip"),
        ("shift_rows", "shift_rows = 49", r"\[augmentation\], shift_rows.* 48"),
        ("set", "set = 'fashion-mnist'\nzz = 1", r"\[data\].* zz"),
        ("epochs", "epochs = 1.5", r"\[full\], epochs.*1\.5"),
        ("epochs", "epochs = true", r"\[full\], epochs.*True"),
        ("epochs", "epochs = 0", r"\[full\], epochs"),
        ("rate", "rate = 'fast'", r"\[full\], rate.*'fast'"),
        ("distil", "distil = 1.5", r"\[joint\], distil"),
        ("mixup", "mixup = 2.0", r"\[augmentation\], mixup"),
        ("step", "step = 0", r"\[selection\], step"),
        ("batch", "batch = 1", r"\[full\], batch.*2 or more"),
        ("floor", "flor = 0.5", r"\[\[subnet\]\] number 1.* flor.*floor"),
        ("budget", "", r"\[\[subnet\]\] number 1.*budget"),
        ("budget", "budget = 0.9", r"\[\[subnet\]\], budget"),
        ("floor", "floor = 0\narena = 0", r"\[\[subnet\]\], arena"),
        ("floor", "floor = 0\nflash = 0.5", r"\[\[subnet\]\] number 1, flash.*0\.5"),
        ("floor", "floor = 0\nlatency = 9", r"\[device\], times.*board.*latency"),
        ("floor", "floor = 0\nenergy = 9", r"\[device\], times.*board.*energy"),
        ("floor", "floor = 0\nmacs = 9", r"\[\[subnet\]\] number 1, macs: left out.*9"),
        ("budget", "macs = 0.5", r"\[\[subnet\]\] number 1, macs.*0\.5"),
        ("budget", "macs = 1", r"\[\[subnet\]\], macs: more than 1"),
        ("budget", "energy = nan", r"\[\[subnet\]\] number 1, energy.*nan"),
        ("budget", "latency = -3", r"\[\[subnet\]\], latency.*-3"),
        ("budget", "latency = '3 us'", r"\[\[subnet\]\] number 1, latency.*'3 us'"),
        ("budget", "name = 'a'", r"\[\[subnet\]\] number 1, budget.*latency.*energy"),
        ("floor", "name = '12345678'", r"\[\[subnet\]\], name: a text of 1 to 7"),
        ("floor", "name = ''", r"\[\[subnet\]\], name: a text of 1 to 7"),
        ("floor", "name = '50%'", r"\[\[subnet\]\], name: another"),
        ("budget = 1.0", "budget = 1.0\narena = 9", r"\[\[subnet\]\]"),
        (r"\[joint\]", "[device]\nlayout = 'x'\n[joint]", r"\[device\], layout.*'radix256'"),
        ("name", "name = '../up'", "name"),
        ("name", "name = 'kws", "TOML"),
        ("every", "every = 2\nzzz = 1", r"\[data\].* zzz"),
        (r"\[net\]", "[nett]", "nett.*net"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_its_place(old: str, new: str, place: str) -> None:
    with pytest.raises(RecipeError, match=rf"^r\.toml: .*{place}") as caught:
        parse_recipe(changed(old, new), "r.toml")
    assert "\n" not in str(caught.value)


TIMED = """net = { name = "dnn-s" }
data = { set = "speech-commands" }
"""


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("board = 'nano33ble'\nlayout = 'radix256'", r"layout: left out.*'radix256'"),
        ("board = 'nano33ble'\ntimes = 'times.json'", r"times: left out.*'times\.json'"),
        ("times = 'times.json'", r"layout: 'canonical'.*`board`"),
        ("layout = 'neon'\nemulate = true", r"board: a name, for `emulate`"),
        ("layout = 'neon'\nboards = 'b.toml'", r"board: a name, for `boards`"),
        ("board = 'nano33ble'\nenergy_per_cycle = 0", r"energy_per_cycle: more than 0"),
        ("board = 'nano33ble'\nenergy_per_cycle = inf", r"energy_per_cycle.*inf"),
        ("layout = 'neon'\ntimes = 'times.json'", r"energy_per_cycle: a number of nanojoules"),
    ],
)
def test_a_device_that_contradicts_itself_is_refused(device: str, says: str) -> None:
    subnets = "subnet = [{ energy = 9.0 }, { name = 'all' }]"
    with pytest.raises(RecipeError, match=rf"^r\.toml: \[device\], {says}"):
        parse_recipe(f"{TIMED}{subnets}\n[device]\n{device}\n", "r.toml")


def test_a_subnet_has_budgets_of_any_unit_and_the_full_net_has_none() -> None:
    subnets = "[{ latency = 300, arena = 800 }, { macs = 40_000, name = 'mid' }, {}]"
    recipe = parse_recipe(f"{TIMED}subnet = {subnets}\n[device]\nboard = 'nano33ble'\n", "r.toml")
    assert recipe.budgets == (
        Budget(latency=300.0, arena=800),
        Budget(macs=40_000, name="mid"),
        Budget(macs=1.0),
    )
    assert recipe.titles == ("1", "mid", "100%")


@pytest.mark.parametrize("key", ["macs", "flash", "arena", "latency", "energy"])
def test_a_subnet_with_less_of_a_unit_than_the_one_before_is_refused(key: str) -> None:
    subnets = f"[{{ {key} = 400 }}, {{ budget = 0.5 }}, {{ {key} = 300 }}, {{ }}]"
    device = "board = 'nano33ble'\nenergy_per_cycle = 0.2"
    with pytest.raises(RecipeError, match=rf"\[\[subnet\]\], {key}: no less than .*300"):
        parse_recipe(f"{TIMED}subnet = {subnets}\n[device]\n{device}\n", "r.toml")


def test_the_board_of_the_command_line_is_instead_of_that_of_the_recipe() -> None:
    text = f"{TIMED}subnet = [{{ latency = 9 }}, {{}}]\n"
    times = "[device]\nlayout = 'neon'\ntimes = 't.json'\nenergy_per_cycle = 0.2\n"
    for device in ("", times, "[device]\nboard = 'pi'\nenergy_per_cycle = 0.2\nboards = 'b.toml'\n"):
        other = parse_recipe(text + device, "r.toml", Target("nano33ble", emulate=True)).device
        energy = 0.2 if device else None
        assert other == DeviceRecipe(board="nano33ble", emulate=True, energy_per_cycle=energy)
    own = parse_recipe(f"{text}[device]\nboard = 'pi'\n", "r.toml", Target(emulate=True)).device
    assert own == DeviceRecipe(board="pi", emulate=True)
    with pytest.raises(RecipeError, match="board: a name, for `emulate`"):
        parse_recipe(text + times, "r.toml", Target(emulate=True))


def test_more_subnets_than_a_pack_holds_are_refused() -> None:
    many = ", ".join(f"{{ budget = {i / 65!r} }}" for i in range(1, 66))
    with pytest.raises(RecipeError, match=r"\[\[subnet\]\], budget.* 64 .* 65"):
        parse_recipe(SHORTEST.replace("{ budget = 0.5 }, { budget = 1.0 }", many), "r.toml")


def test_all_that_a_recipe_lacks_is_named_at_once() -> None:
    with pytest.raises(RecipeError, match=r"^r\.toml: .*\[data\].*set.*\[\[subnet\]\].*budget") as caught:
        parse_recipe("name = 'mine'\nseed = 0\n[net]\nname = 'dnn-s'\n", "r.toml")
    assert "[joint]" not in str(caught.value), "a table of defaults may be left out"
    assert "\n" not in str(caught.value)


SHORTEST = """net = { name = "dnn-s" }
data = { set = "speech-commands" }
subnet = [{ budget = 0.5 }, { budget = 1.0 }]
"""


def test_the_shortest_recipe_takes_the_defaults_of_the_options() -> None:
    recipe = parse_recipe(SHORTEST, "some/mine.toml")
    assert recipe.name == "mine", "the file's"
    assert (recipe.full, recipe.joint) == (TrainingOptions(), JointOptions())
    assert (recipe.selection, recipe.augmentation) == (SelectionOptions(), AugmentationOptions())
    assert recipe.data == DataOptions("speech-commands")
    assert recipe.subnet == (SubnetRecipe(0.5), SubnetRecipe(1.0))
    assert (recipe.seed, recipe.device, recipe.rounding) == (0, None, None)


def test_a_table_may_say_some_of_its_keys() -> None:
    recipe = parse_recipe(f"{SHORTEST}[joint]\nepochs = 3\n[full]\n", "r.toml")
    assert (recipe.joint, recipe.full) == (JointOptions(epochs=3), TrainingOptions())


def recipes_of_docs() -> list[str]:
    docs = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    return re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)


def test_the_recipes_in_the_docs_are_read_and_the_whole_one_says_the_defaults() -> None:
    shortest, whole, timed = recipes_of_docs()
    short, recipe = parse_recipe(shortest, "own/mine.toml"), parse_recipe(whole, "docs.toml")
    assert (short.name, recipe.name) == ("mine", "mine")
    assert set(tomllib.loads(whole)) == set(Recipe.__dataclass_fields__)
    for table in ("net", "data", "seed", "augmentation", "full", "selection", "joint"):
        assert getattr(recipe, table) == getattr(short, table), f"{table} of the docs is not the default"
    for table, options in tomllib.loads(whole).items():
        if table in ("augmentation", "full", "selection", "joint", "data"):
            no_default = {"data": {"group", "sounds", "series"}, "selection": {"gains"}}.get(table, set())
            assert set(options) == set(getattr(recipe, table).__dataclass_fields__) - no_default
    also = parse_recipe(f"{shortest.rpartition('subnet')[0]}\n{timed}\n[[subnet]]\nbudget = 1.0\n", "r.toml")
    assert also.device is not None
    assert (also.device.board, also.device.emulate) == ("nano33ble", True)


def test_a_missing_recipe_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml.*No such file"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match=tmp_path.name):
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


def test_the_shipped_recipe_has_every_table_but_the_optional_ones() -> None:
    assert set(tomllib.loads(TEXT)) == set(Recipe.__dataclass_fields__) - {"device", "int8", "alternative"}


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("dnns-6x1x1", "dnn-s-6x1x1"),
        ("DNN-S-6x1x1", "dnn-s-6x1x1"),
        ("mobilenet-0.3-40x30x3", "mobilenet-0.25-40x30x3"),
        ("dnn-s-6x1", "dnn-s"),
        ("resnet", "resnet8"),
    ],
)
def test_unknown_net_near_a_known_one_suggests_it(name: str, means: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(f'net.name = "{name}"\ndata.set = "a"\nsubnet = [{{ budget = 1.0 }}]', "mine.toml")
    assert f"did you mean {means}?" in str(caught.value)


@pytest.mark.parametrize(
    ("budgets", "says"),
    [
        ("[{ budget = 25 }, { budget = 100 }]", "0.25 for 25 %"),
        ("[{ budget = 0 }, { budget = 1.0 }]", "a fraction"),
        ("[{ budget = 0.5 }, { budget = 0.5 }]", "the subnet before"),
        ("[{ budget = 0.5 }]", "1.0 as the last one"),
        ("[]", "1.0 as the last one"),
        ("[0.5, 1.0]", "write subnet = [{ budget = ... }]"),
    ],
)
def test_budgets_that_cannot_be_meant_are_refused_each_with_its_own_reason(budgets: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(f'net.name = "dnn-s"\ndata.set = "a"\nsubnet = {budgets}', "mine.toml")
    assert says in str(caught.value)


def test_trainings_of_subnets_of_any_names_have_names_of_their_own() -> None:
    """A name may hold what no file may, and be the number that stands for a name yet unknown."""
    subnets = "[{ budget = 0.02 }, { flash = 5000 }, { flash = 6000, name = 'a/b' }, { budget = 1.0 }]"
    recipe = parse_recipe(f'net.name = "dnn-s"\ndata.set = "a"\nsubnet = {subnets}', "mine.toml")
    names = [training.name for training in trainings_of_seed(recipe, 0)]
    assert len({*names}) == 5
    assert all(names_a_file(name, 31) for name in names)
