"""Hand trainings to the workers of a Ray cluster, and keep on this disk what they reach.

The state of every training comes here after each epoch. A training whose worker died goes on from there in
another one, and a finished one is on the disk before anything else happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from reds.data.catalog import Data
from reds.errors import ClusterError, RedsError
from reds.experiment.prepare import Checked, Prepared
from reds.experiment.spread.news import Mailbox, News
from reds.experiment.spread.ray_cluster import RayCluster
from reds.experiment.spread.shown import Shown
from reds.experiment.spread.worker import train_remotely
from reds.experiment.variants import Training, Variant
from reds.files import write_atomically
from reds.text import printable
from reds.training.checkpoint import Checkpoint

POLL = 0.5
"""Seconds between two looks at what the workers have posted."""
MOST_LOSSES = 3
"""Workers that one training may lose: the next loss has a cause that another try does not mend."""


@dataclass(frozen=True)
class Shared:
    """Hold what all workers read, as references to Ray's memory."""

    checked: Any
    data: Any


class Driver:
    """Run trainings in workers: one that trains a subnet alone waits for the one that selected it."""

    def __init__(
        self, cluster: RayCluster, prepared: Prepared, kept: Mapping[str, Checkpoint], out: Path,
        console: Console,
    ) -> None:  # fmt: skip
        """Use a cluster.

        Args:
            cluster: The connection to Ray.
            prepared: The recipe that was read from a file, with its data.
            kept: The states of each training, by its name.
            out: Folder of the packs.
            console: Shows progress.
        """
        self.ray, self.kept, self.out, self.threads = cluster.ray, dict(kept), out, prepared.threads
        self.console, self.done = console, dict[str, Variant]()
        self.lost = dict.fromkeys(kept, 0)
        self._running: dict[Any, Training] = {}
        checked = Checked(prepared.recipe, prepared.sha256, None, prepared.graph, prepared.profile)
        data: Data = prepared.data
        self._shared = Shared(self.ray.put(checked), self.ray.put(data))
        task = self.ray.remote(num_cpus=cluster.cpus, num_gpus=cluster.gpus, max_retries=0)
        self._train = task(train_remotely)
        mailbox = self.ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
        self._mailbox = mailbox(Mailbox).remote()

    def run(self, trainings: Sequence[Training]) -> dict[str, Variant]:
        """Run all trainings and return their results by name.

        Raises:
            RedsError: A training raised it.
            ClusterError: A training lost its worker too often, or cannot run there.
            OSError: A file cannot be written.
        """
        waiting = list(trainings)
        with Shown(self.console, len(trainings)) as shown:
            while waiting or self._running:
                ready = [each for each in waiting if not each.widths_of or each.widths_of in self.done]
                waiting = [each for each in waiting if each not in ready]
                for training in ready:
                    self._submit(training)
                ended, _ = self.ray.wait(list(self._running), timeout=POLL)
                shown.wait()
                for news in self.ray.get(self._mailbox.take.remote()):
                    self._keep(news)
                    shown.hear(news)
                for reference in ended:
                    self._finish(reference, shown)
        return self.done

    def _submit(self, training: Training) -> None:
        subnets = self.done[training.widths_of].subnets if training.widths_of else ()
        reference = self._train.remote(
            self._shared.checked, self._shared.data, training, subnets, self.kept[training.name],
            self.threads, self._mailbox,
        )  # fmt: skip
        self._running[reference] = training

    def _keep(self, news: News) -> None:
        """Write the states of a training, and remember them for another worker."""
        if news.states:
            kept = self.kept[news.name]
            assert kept.path is not None
            write_atomically(kept.path, news.states)
            self.kept[news.name] = Checkpoint(kept.path, kept.key)

    def _finish(self, reference: Any, shown: Shown) -> None:
        """Write what a training returned, or start it again if its worker died."""
        training = self._running.pop(reference)
        name = training.name
        try:
            variant, files = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, RedsError | OSError):
                raise error.cause from None
            raise ClusterError(f"{name}: cannot run in its worker: {printable(str(error.cause))}") from error
        except self.ray.exceptions.RayError as error:  # the worker, its machine or its memory
            self.lost[name] += 1
            if self.lost[name] > MOST_LOSSES:
                raise ClusterError(
                    f"{name}: lost {self.lost[name]} workers, the last one by {type(error).__name__}: give"
                    " workers more memory, or start fewer; the same command goes on from here"
                ) from error
            shown.say(f"{name}: its worker died ({type(error).__name__}); it runs again from its last epoch")
            self._submit(training)
            return
        for file, data in files.items():
            write_atomically(self.out / file, data)
        self.done[name] = variant
        shown.finish(name)
