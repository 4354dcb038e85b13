"""Run all trainings of one table, in this process or in workers, and keep what is finished."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from reds.experiment.build import checkpoint
from reds.experiment.out_folder import refuse_other_recipe
from reds.experiment.prepare import Prepared
from reds.experiment.variants import Training, Variant, run_training, written
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress

Workers = int | str
"""Number of local workers, `ray` for the Ray cluster that this machine is part of, or `ray://HOST:PORT`."""


def local_workers(workers: Workers) -> int:
    """Return how many trainings share the CPUs of this machine."""
    return workers if isinstance(workers, int) else 1


def run_all(
    prepared: Prepared, trainings: Sequence[Training], out: Path, console: Console, *, force: bool,
    workers: Workers,
) -> Mapping[str, Variant]:  # fmt: skip
    """Run trainings and write their packs and cards into `out`; each resumes where it was killed.

    Args:
        prepared: The recipe that was read from a file, with its data.
        trainings: One that trains a subnet alone comes after the one that selected it.
        out: Folder of the packs, which no other command writes into.
        console: Shows progress.
        force: Overwrite packs of another recipe.
        workers: Where they run; 1 for this process.

    Returns:
        The results by the names of the trainings.

    Raises:
        RedsError: Training diverged, packs of another recipe are in the way, or Ray cannot be used.
        OSError: A file cannot be written.
    """
    kept = {}
    for training in trainings:
        target = out / f"{training.name}.reds"
        if not force:
            refuse_other_recipe(target, prepared.sha256)
        kept[training.name] = checkpoint(prepared, training.recipe, target, console)
    if workers == 1:
        done = _one_by_one(prepared, trainings, kept, out, console)
    else:
        from reds.experiment.spread.driver import Driver
        from reds.experiment.spread.ray_cluster import ray_cluster

        with ray_cluster(workers, prepared.threads) as cluster:
            done = Driver(cluster, prepared, kept, out, console).run(trainings)
    for each in kept.values():
        each.remove()
    return done


def _one_by_one(
    prepared: Prepared, trainings: Sequence[Training], kept: Mapping[str, Checkpoint], out: Path,
    console: Console,
) -> dict[str, Variant]:  # fmt: skip
    progress = Progress(console, [phase for training in trainings for phase in training.phases])
    done: dict[str, Variant] = {}
    for training in trainings:
        console.print(training.name, soft_wrap=True)
        subnets = done[training.widths_of].subnets if training.widths_of else ()
        result = run_training(prepared, training, subnets, progress, kept[training.name])
        done[training.name] = written(result, out / f"{training.name}.reds")
    return done
