"""`reds.compress`: from a network and examples to nested subnets, in one call."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from reds.console import plain_console, print_notes
from reds.data.catalog import Data, DataSpec
from reds.data.dataset import Dataset
from reds.data.examples import Examples
from reds.data.options import AugmentationOptions, DataOptions
from reds.elastic.net import ElasticNet
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import BoardError, DataError
from reds.experiment.arguments import (
    budget_list,
    check_board,
    check_epochs,
    check_kinds,
    check_net,
    check_settings,
    check_shifts,
    check_types,
    check_widen,
)  # fmt: skip
from reds.experiment.board import profile_on
from reds.experiment.build_report import print_costs
from reds.experiment.given_net import given_net
from reds.experiment.int8_gap import gap_notes
from reds.experiment.method import Method, block_notes
from reds.experiment.pipeline import random_net, train_nested
from reds.experiment.result import Result, run_test
from reds.experiment.schedule import nested_phases
from reds.graph import Graph
from reds.graph.lowering import check_packable
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile, as_budgets, check_budgets
from reds.nesting.cost import width_grids
from reds.nesting.options import SelectionOptions
from reds.nesting.own_gains import check_gains
from reds.rules import check_kind
from reds.training import processes
from reds.training.checkpoint import Checkpoint
from reds.training.options import JointOptions, TrainingOptions
from reds.training.progress import Progress
from reds.training.torch_setup import repeatable, threads_for
from reds.training.trainer import check_outputs
from reds.zoo import by_name

DEFAULT_EPOCHS = 20
"""Epochs of training all subnets together, where neither `epochs` nor `training` says them."""


@torch_defaults()
def compress(
    net: ElasticNet | Graph | str,
    data: Dataset | Data,
    *,
    budgets: Sequence[Budget | float],
    epochs: int | None = None,
    full_epochs: int | None = None,
    rounding_epochs: int = 0,
    widen: float = 1.0,
    name: str = "net",
    seed: int = 0,
    selection: SelectionOptions | None = None,
    training: JointOptions | None = None,
    augmentation: AugmentationOptions | None = None,
    profile: TargetProfile | None = None,
    board: str | None = None,
    emulate: bool = False,
    boards: str | Path | None = None,
    energy_per_cycle: float | None = None,
    console: Console | None = None,
) -> Result:
    """Turn a network into nested int8 subnets: score, select, permute, train, quantize, test.

    In a script that `torchrun` started, every process has to call this function with the same arguments. They
    train together, and all return the result.

    Args:
        net: A net from `from_module`, a `Graph`, or the name of a net of `reds.zoo`; it is not changed.
        data: Examples of the shape that the net reads; those of `reds.data.imagenet.load_imagenet` too.
        budgets: One for each subnet, smallest first. A bare number is a fraction of the full net's MACs; 1.0
            is the full net.
        epochs: Epochs of training all subnets together; by default those of `training`, or 20 without it.
        full_epochs: Epochs of training the full net before its units are scored; 0 for a net that is trained
            already. By default a quarter of `epochs`.
        rounding_epochs: Further epochs with int8 rounding, at a tenth of the learning rate.
        widen: Units to choose from in each group, as a multiple of the net's own. Budgets stay shares of the
            net. Only for a net without weights.
        name: Name of the pack, 1 to 31 bytes.
        seed: Seed of all random numbers; the same seed on the same machine gives the same bytes.
        selection: How units are scored and selected; by default as in a recipe.
        training: Epochs, minibatch size, learning rate and the like of all phases; by default as in a recipe.
        augmentation: How examples are augmented; by default not at all.
        profile: Layout, measured times and energy of the target, for budgets of arena, latency and energy.
        board: Board of `hil`, instead of a profile. It measures layers as far as budgets need them, and each
            subnet at the end. If it is lost by then, the result lacks what it would have measured.
        emulate: Measure on the emulator of the board.
        boards: Boards file of `hil`; by default the shipped one.
        energy_per_cycle: Nanojoules that the board spends in a cycle; by default its meter tells.
        console: Shows progress; by default standard error.

    Returns:
        The trained net with cost and accuracy of each subnet; `save` writes its pack.

    Raises:
        SettingsError: An argument has another type or a value outside its range.
        DataError: The examples have another shape or another number of classes than the net.
        BudgetError: No subnet fits a budget.
        BoardError: The board cannot be opened, is lost, or cannot measure what budgets need.
        DivergedError: Training left the finite numbers.
        LostProcessError: Another process that `torchrun` started has ended.
    """
    selection = SelectionOptions() if selection is None else selection
    joint = JointOptions(epochs=DEFAULT_EPOCHS) if training is None else training
    augmentation = AugmentationOptions() if augmentation is None else augmentation
    asked = check_board(board, emulate, boards, energy_per_cycle, profile)
    target = TargetProfile() if profile is None else profile
    check_net(net)
    check_kinds(
        data=(data, Data if isinstance(data, Data) else Dataset), selection=(selection, SelectionOptions),
        training=(joint, JointOptions), augmentation=(augmentation, AugmentationOptions),
        profile=(target, TargetProfile),
    )  # fmt: skip
    check_kind("console", console, Console | None, "give a rich.console.Console, or leave it out")
    limits = tuple(as_budgets(budget_list(budgets)))
    joint = joint if epochs is None else replace(joint, epochs=epochs)
    check_epochs(epochs=joint.epochs)
    first = max(1, joint.epochs // 4) if full_epochs is None else full_epochs
    check_epochs(full_epochs=first, rounding_epochs=rounding_epochs)
    check_types(joint.table, joint)
    method = Method(
        name, limits, seed, _full_options(joint, first), selection, joint,
        joint.rounded(rounding_epochs, joint.rate / 10) if rounding_epochs else None,
    )  # fmt: skip
    check_settings(method, augmentation)
    stored = data if isinstance(data, Data) else data.stored(name, seed)
    check_shifts(augmentation, stored.set.shape)
    graph = _graph(net, stored.set).widened(check_widen(widen, net))
    check_packable(graph)
    shown = console or plain_console(stderr=True)
    if asked:
        grids = width_grids(graph, selection.step, selection.least, selection.blocks)
        target = profile_on(asked, graph, grids, limits, energy_per_cycle, shown)
    check_budgets(graph, limits, selection.step, selection.least, target, selection.blocks)
    check_gains(graph, selection)
    threads = threads_for(graph.macs(graph.full) * joint.batch)
    with processes.joined(), repeatable(threads):
        examples = Examples(stored, DataOptions(name), augmentation)
        if isinstance(net, ElasticNet):
            full = given_net(net, examples, name, seed)
        else:
            full = random_net(graph, examples, seed)
        shown = shown if processes.is_first() else Console(quiet=True)
        print_notes([*stored.notes, *block_notes(selection, graph)], shown)
        progress = Progress(shown, nested_phases(method))
        trained = train_nested(full, examples, method, target, progress, Checkpoint())
        with progress.step("testing"):
            result = run_test(trained, stored, method, target)
        print_notes(gap_notes(result.int8_gaps), shown)
        if asked:
            try:
                result = result.measured_on(asked, shown)
            except BoardError as error:  # what took hours to train is not lost
                print_notes([f"the subnets are not measured: {error}"], shown)
        print_costs(result, shown)
        return result


def _graph(net: ElasticNet | Graph | str, spec: DataSpec) -> Graph:
    """Return the full net. Raises `DataError` if it reads examples of another shape."""
    if isinstance(net, str):
        net = by_name(net, spec.outputs)
    graph = net.graph if isinstance(net, ElasticNet) else net
    source, (rows, columns, units) = graph.tensors[0], spec.shape
    reads = source.channels(graph.full), source.height, source.width
    # The weights of a given net know the order of its features, so no other shape with as many will do.
    exact = isinstance(net, ElasticNet)
    if reads != (units, rows, columns) if exact else not graph.reads(spec.shape):
        found, expected = (_shape(sides) for sides in ((units, rows, columns), reads))
        raise DataError(f"the examples are {found}, the net reads {expected}: give it examples of that shape")
    check_outputs(graph, spec.task, spec.outputs)
    return graph


def _shape(sides: tuple[int, int, int]) -> str:
    units, rows, columns = sides
    return f"[N, {units}]" if rows == columns == 1 else f"[N, {units}, {rows}, {columns}]"


def _full_options(joint: JointOptions, epochs: int) -> TrainingOptions | None:
    """Return the options of the full net: those of joint training, for other epochs; None for 0 epochs."""
    if not epochs:
        return None
    return TrainingOptions(
        epochs, joint.batch, joint.rate, joint.weight_decay, joint.smoothing, joint.dropout
    )
