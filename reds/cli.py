"""The command `reds`. Light by design: a command imports torch or tensorflow only if it needs them."""

from pathlib import Path

import click
from rich.console import Console

from reds.errors import (
    BudgetError,
    CoupledError,
    DataError,
    DivergedError,
    GraphError,
    LabeledSetMissing,
    LatencyError,
    ModelError,
    PackError,
    RecipeError,
)
from reds.experiment.reproduce.paper import BASELINES, PAPER
from reds.pack.layouts import LAYOUTS

EXPECTED = (
    BudgetError, GraphError, CoupledError, DataError, DivergedError, LabeledSetMissing, LatencyError,
    ModelError, OSError, PackError, RecipeError,
)  # fmt: skip
"""What a user can cause and cure; each says so in one line."""
EXTRAS = {
    "torch": ("training", "train"),
    "ortools": ("training", "train"),
    "PIL": ("training", "train"),
    "matplotlib": ("the plot", "train"),
    "tensorflow": ("export", "tflite"),
}
"""What needs a package that may be missing, and the extra that brings it."""
FILE = click.Path(path_type=Path)


def _seeds(context: click.Context, option: click.Parameter, value: str) -> list[int]:
    try:
        seeds = [int(seed) for seed in value.split(",")]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds) or not all(0 <= seed < 2**31 for seed in seeds):
        wanted = "seeds from 0 to 2^31 - 1, each once"
        raise click.BadParameter(f"{value!r} is no list of {wanted}: write --seeds 0,1,2")
    return seeds


SEEDS = click.option("--seeds", default="0,1,2", callback=_seeds, show_default=True, help="One net for each.")


class _Commands(click.Group):
    """Turns an expected error into one line and exit status 1."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except EXPECTED as error:
            says = str(error)
            if isinstance(error, OSError) and error.filename:
                says = f"{error.filename}: {error.strerror}"
            raise click.ClickException(says) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            task, extra = EXTRAS[package]
            advice = f"{package} is missing: {task} needs `pip install 'reds-hil[{extra}]'`"
            raise click.ClickException(advice) from error


@click.group(cls=_Commands)
@click.version_option(package_name="reds-hil")
def main() -> None:
    """Turn a network into nested subnets in one small file."""


@main.command()
@click.argument("recipe", type=FILE)
@click.option("--out", type=FILE, default=Path(), help="Folder for NAME.reds and NAME.json; else this one.")
def build(recipe: Path, out: Path) -> None:
    """Train, select, quantize and pack what RECIPE says.

    RECIPE is a TOML file as docs/packs.md has one. Killed, the same command goes on where it stood.
    """
    from reds.experiment.build import build as run

    console = Console()
    written = run(recipe, out, console)
    console.print(f"{written} and its card {written.with_suffix('.json')}")


@main.command()
@click.argument("pack", type=FILE)
def inspect(pack: Path) -> None:
    """Print layers, subnets, bytes and arena of PACK."""
    from reds.pack.inspect import print_pack

    print_pack(pack, Console())


@main.command()
@click.argument("pack", type=FILE)
@click.argument("layout", type=click.Choice([layout.name for layout in LAYOUTS.values()]))
@click.argument("out", type=FILE)
def layout(pack: Path, layout: str, out: Path) -> None:
    """Write PACK as OUT in the LAYOUT of a device's kernels, for a firmware that has no agent."""
    from reds.pack import load, save

    if out.exists() and out.samefile(pack):
        raise PackError(f"{out}: is the pack itself, which boards and `reds` read: name another file")
    model, chosen = load(pack), next(each for each in LAYOUTS.values() if each.name == layout)
    lacking = sorted({layer.kind.name.lower() for layer in model.layers if not chosen.runs(layer)})
    if lacking:
        raise PackError(f"{pack}: the kernels of {layout} do not run its {', '.join(lacking)}; use canonical")
    click.echo(f"{out}: {len(save(model, out, chosen)):,} bytes")


@main.command()
@click.argument("pack", type=FILE)
@click.option("--tflite", is_flag=True, help="As int8 .tflite files, the only kind there is so far.")
@click.option("--out", type=FILE, default=Path(), help="Folder for NAME-SUBNET.tflite; else this one.")
def export(pack: Path, tflite: bool, out: Path) -> None:
    """Write every subnet of PACK as a file of its own, with the pack's weights and scales."""
    if not tflite:
        raise click.UsageError("say what to export to: --tflite")
    from reds.export.tflite import export as run

    for file, size in run(pack, out).items():
        click.echo(f"{file}: {size:,} bytes")


@main.command()
@click.argument("recipe", type=FILE)
@SEEDS
@click.option("--out", type=FILE, default=Path(), help="Folder for the packs; else this one.")
def compare(recipe: Path, seeds: list[int], out: Path) -> None:
    """Train RECIPE's nested subnets, and the same widths alone, and print what nesting costs."""
    from reds.experiment.compare import compare as run

    click.echo(run(recipe, seeds, out, Console(stderr=True)))


@main.command()
@click.argument("name", type=click.Choice(list(PAPER)))
@SEEDS
@click.option(
    "--out", type=FILE, default=Path(), help="Folder for the packs, NAME.md and NAME.svg; else this one."
)
@click.option(
    "--against", type=click.Choice(BASELINES), multiple=True, default=BASELINES,
    help="A baseline to train too; may be given again. All of them if it is not.",
)  # fmt: skip
def reproduce(name: str, seeds: list[int], out: Path, against: tuple[str, ...]) -> None:
    """Train the shipped recipe of NAME and baselines, and print ours beside the paper's."""
    from reds.experiment.reproduce.run import reproduce as run

    click.echo(run(name, seeds, against, out, Console(stderr=True)))
