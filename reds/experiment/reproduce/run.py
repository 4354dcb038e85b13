"""Train a shipped recipe and baselines, and report them beside the paper: `reds reproduce`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from reds.experiment.answers import joined
from reds.experiment.build_report import describe
from reds.experiment.compare import origin
from reds.experiment.out_folder import only_writer
from reds.experiment.prepare import Checked, check_recipe, prepare
from reds.experiment.recipe import Recipe, SubnetRecipe
from reds.experiment.recipe_file import load_recipe
from reds.experiment.reproduce.paper import BASELINES, PAPER, PaperTable
from reds.experiment.reproduce.plot import draw
from reds.experiment.reproduce.report import Contender, render
from reds.experiment.spread.run_all import Workers, local_workers, run_all
from reds.experiment.variants import Training, Variant
from reds.files import write_atomically
from reds.fixtures import fixtures_dir
from reds.nesting.options import SelectionOptions

NESTED: Mapping[str, Callable[[SelectionOptions], SelectionOptions]] = {
    "reds": lambda options: options,
    "uniform": lambda options: replace(options, order="uniform", step=1, least=1),
    "even": lambda options: replace(options, order="even", step=1, least=1),
    "magnitude": lambda options: replace(options, importance="magnitude"),
    "random": lambda options: replace(options, importance="random"),
}
"""Selection of subnets of each nested contender. Widths without scores may be any number of units (`step`
1), so that rounding does not keep them below their budget.
"""


def reproduce(
    name: str, seeds: Sequence[int], against: Sequence[str], out: Path, console: Console, *,
    force: bool = False, threads: int | None = None, workers: Workers = 1,
) -> str:  # fmt: skip
    """Train ours and some baselines with every seed, and write every pack, NAME.md and NAME.svg into `out`.

    Accuracies are int8, measured with the bit-exact interpreter on the recipe's test examples.

    Args:
        name: A key of `PAPER`.
        seeds: Seeds to train with.
        against: Baselines to train, of `BASELINES`.
        out: Folder of the results; it is made if it does not exist.
        console: Shows progress.
        force: Overwrite packs of another recipe.
        threads: Threads of torch; by default as many as the net needs.
        workers: Where the trainings run; 1 for this process, one after the other.

    Returns:
        The text of NAME.md.

    Raises:
        RedsError: The data cannot be used, training diverged, packs of another recipe are in the way, or Ray
            cannot be used.
        OSError: `out` cannot be written, or another command writes into it.
    """
    options = [f"--seeds {','.join(map(str, seeds))}", *(f"--against {each}" for each in against)]
    table, command = PAPER[name], " ".join(["reds reproduce", name, *options])
    checked = check_table(table)
    recipe, made = checked.recipe, origin(checked.recipe, checked.sha256, seeds)
    names = ["reds", *(each for each in BASELINES if each in against)]
    trainings = {each: [_of_contender(each, recipe, seed) for seed in seeds] for each in names}
    with only_writer(out):
        prepared = prepare(checked, console, threads, local_workers(workers))
        describe(prepared, console)
        every = [one for of_seed in zip(*trainings.values(), strict=True) for each in of_seed for one in each]
        done = run_all(prepared, every, out, console, force=force, workers=workers)
        contenders = [_contender(each, trainings[each], done) for each in names]
        text = render(table, contenders, made, command)
        write_atomically(out / f"{name}.md", text.encode())
        draw(table, contenders, made, out / f"{name}.svg")
    return text


def check_table(table: PaperTable) -> Checked:
    """Return the shipped recipe with the paper's budgets. Raises `RedsError`."""
    path = fixtures_dir() / "recipes" / f"{table.recipe}.toml"
    recipe = load_recipe(path)
    subnets = tuple(SubnetRecipe(subnet.share, 0.0) for subnet in table.subnets)
    least = recipe.selection.least if table.least is None else table.least
    recipe = replace(recipe, subnet=subnets, selection=replace(recipe.selection, least=least))
    return check_recipe(path, recipe)


def _of_contender(contender: str, recipe: Recipe, seed: int) -> list[Training]:
    """Return the trainings of one contender with one seed: one, or each of our subnets alone."""
    seeded, first = replace(recipe, seed=seed), f"{recipe.name}-seed{seed}"
    if contender == "alone":
        indices = range(len(recipe.subnet))
        return [Training(f"{first}-alone{i}", seeded, i, f"{first}-reds") for i in indices]
    selection = NESTED[contender](recipe.selection)
    return [Training(f"{first}-{contender}", replace(seeded, selection=selection))]


def _contender(name: str, trainings: Sequence[Sequence[Training]], done: Mapping[str, Variant]) -> Contender:
    """Return the results of one contender.

    Args:
        name: Its name.
        trainings: Its trainings for each seed.
        done: The results of all trainings, by name.
    """
    contender = Contender(name)
    for of_seed in trainings:
        variants = [done[each.name] for each in of_seed]
        macs = tuple(count for each in variants for count in each.macs)
        test, validation = (joined([getattr(each, of) for each in variants]) for of in ("test", "validation"))
        contender.add(macs, test, validation)
    return contender
