"""Build a pack and its card from a recipe: the command `reds build`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from reds.console import plain_console
from reds.errors import SettingsError
from reds.experiment.alternatives import Candidate, best_of
from reds.experiment.board import Target
from reds.experiment.build_report import describe, report
from reds.experiment.out_folder import only_writer, refuse_other_recipe
from reds.experiment.pipeline import Trained, random_net, train_nested
from reds.experiment.prepare import Checked, Prepared, check_recipe, prepare
from reds.experiment.recipe import Recipe, method_of
from reds.experiment.result import Result, run_test
from reds.experiment.schedule import nested_phases
from reds.experiment.training_key import key_of
from reds.reading import user_path
from reds.rules import check_kind
from reds.text import printable, shown
from reds.training import processes
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


def build(
    recipe: str | Path | Checked,
    out: str | Path,
    console: Console | None = None,
    *,
    force: bool = False,
    threads: int | None = None,
    board: str | None = None,
    emulate: bool = False,
    boards: str | Path | None = None,
) -> tuple[Path, list[str]]:
    """Run a recipe, and write NAME.reds and its card NAME.json into `out`.

    A build that was killed continues after its last whole epoch, whose state is in NAME.training. The test
    examples are used once, after everything is chosen. Under `torchrun` all processes train together, and the
    first one writes.

    Args:
        recipe: The recipe's file, or the recipe that `check_recipe` has read.
        out: Folder of the results; it is made if it does not exist.
        console: Shows progress and the results; by default on the standard error stream.
        force: Overwrite a pack of another recipe.
        threads: Threads of torch; by default as many as the net needs.
        board: Board of `hil` to build for, by default that of the recipe. It measures layers as far as
            budgets need them, and each subnet of the pack. A recipe that `check_recipe` has read has its own.
        emulate: Measure on the emulator of the board.
        boards: Boards file of `hil`; by default the shipped one.

    Returns:
        The path of the pack, and the names of the subnets that miss their floors.

    Raises:
        RedsError: The recipe or its data cannot be used, training diverged, or the pack of another recipe has
            the name.
        BoardError: The board cannot be opened or is lost. After the training the pack is there all the same,
            and the same call measures its subnets.
        OSError: `out` cannot be written, or another command writes into it.
        LostProcessError: Another process that `torchrun` started has ended.
    """
    out, console = _path("out", out), console or plain_console(stderr=True)
    check_kind("board", board, str | None, "give the name of a board")
    check_kind("emulate", emulate, bool, "give true or false")
    target_board = Target(board, emulate, None if boards is None else _path("boards", boards))
    if isinstance(recipe, Checked):
        checked = recipe
    else:
        checked = check_recipe(_path("recipe", recipe), target=target_board, console=console)
    settings = checked.recipe
    target, method = out / f"{settings.name}.reds", method_of(settings)
    with processes.joined(), ExitStack() as until_written:
        processes.from_first(lambda: until_written.enter_context(only_writer(out)))
        if not force:
            processes.from_first(lambda: refuse_other_recipe(target, checked.sha256))
        prepared = prepare(checked, console, threads)
        describe(prepared, console)
        progress = Progress(console, nested_phases(method) * (1 + len(checked.alternatives)))
        kept_states, candidates = [], []
        for number, each in enumerate(prepared.variants):
            beside = target.with_stem(f"{target.stem}-alternative{number}") if number else target
            if checked.alternatives:
                console.print(f"strides: {each.recipe.net.resolution}", markup=False, soft_wrap=True)
            states = checkpoint(each, each.recipe, beside, console)
            full = random_net(each.graph, each.examples, settings.seed)
            trained = train_nested(full, each.examples, method, each.profile, progress, states)
            kept_states.append(states)
            candidates.append(Candidate(each, trained))
        best, alternatives = best_of(candidates, console)
        with progress.step("testing"):
            result = tested_by_recipe(best.prepared, best.prepared.recipe, best.trained, alternatives)
        processes.from_first(lambda: result.save(target))
        if prepared.board:
            result = result.measured_on(prepared.board, console)
            processes.from_first(lambda: result.save(target))
        for states in kept_states:
            states.remove()
    return target, report(result, console)


def _path(name: str, path: object) -> Path:
    """Return a path that a user gives, in which `~` is the home folder. Raises `SettingsError`."""
    try:
        if isinstance(path, str | Path):
            return user_path(path)
    except ValueError as error:
        raise SettingsError(f"reds.build: {name} is {shown(path)}: {error}") from None
    raise SettingsError(f"reds.build: {name} is {shown(path)}: a path is needed, as 'mine.toml'")


def checkpoint(prepared: Prepared, recipe: Recipe, target: Path, console: Console) -> Checkpoint:
    """Return the checkpoint of one training. Set a kept training aside that cannot be continued, and say so.

    Args:
        prepared: The recipe that was read from a file, with its data.
        recipe: The recipe of this training: the same one or a variant.
        target: The pack to be; the checkpoint lies beside it.
        console: Shows why a kept training is not continued.
    """
    key = key_of(target.stem, recipe, prepared.data, prepared.profile)
    kept = processes.from_first(lambda: Checkpoint(target.with_suffix(".training"), key))
    if not processes.is_first():
        kept.path = None  # the first one writes
    if aside := kept.set_aside():
        why = f"{target.stem}.training is not continued: {kept.unused}"
        console.print(f"{why}; it stays as {printable(aside.name)}", soft_wrap=True)
    return kept


def tested_by_recipe(
    prepared: Prepared, recipe: Recipe, trained: Trained, alternatives: Sequence[Mapping[str, Any]]
) -> Result:
    """Test a net on the test examples of a recipe.

    Args:
        prepared: The recipe that was read from a file, with its data.
        recipe: The recipe that the net was trained with: the same one or a variant.
        trained: The net.
        alternatives: What the card says of each resolution that was trained; empty for one.
    """
    source: dict[str, Any] = {"recipe": {"name": recipe.name, "sha256": prepared.sha256}}
    if alternatives:
        source["alternatives"] = list(alternatives)
    return run_test(
        trained, prepared.data, method_of(recipe), prepared.profile, every=recipe.data.every,
        floors=[subnet.floor for subnet in recipe.subnet],
        source=source,
    )  # fmt: skip
