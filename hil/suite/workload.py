"""Load the workload of a run: a pack, the card beside it, and the inputs to run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.suite.switch_pairs import Pair
from reds.data.catalog import Labels
from reds.data.labeled import find_labeled, task_of
from reds.errors import LabeledSetMissing, PackError
from reds.fixtures import fixtures_dir
from reds.pack.card import shares
from reds.pack.model import LIMIT, Model
from reds.pack.pack import Pack, load_pack
from reds.pack.task import Task, score
from reds.pack.validate.window import inference_values

SHIPPED = "kws-dnn-s.reds"
ENOUGH = 256
"""Inputs of the conformance test; seeded random ones are added to fewer labeled examples."""
_RANDOM_BYTES, _RANDOM_VALUES = 1 << 28, 1 << 31
"""Most bytes of random inputs and their outputs, and most values that all subnets compute with on them. A
small pack may have large tensors: then fewer random inputs are added, but at least one."""
_SEED = 0
"""Seed of random inputs, and of the choice of some inputs."""
_LABELED_BYTES = 1 << 31
"""Most bytes of the labeled examples and the outputs of all subnets."""


@dataclass(frozen=True)
class Workload:
    """A pack under test, with the inputs to run."""

    pack: Pack
    size: int
    """Bytes of the file."""
    inputs: NDArray[np.int8]
    """Labeled clips, then seeded random inputs: [N, input size]."""
    truth: NDArray[Any]
    """Labels [clips] or values [clips, outputs] of the labeled examples, the first rows of `inputs`."""
    floors: Mapping[str, float]
    """Lowest accuracy, or score of another task, that the card allows each subnet, a fraction."""
    unlabeled: str
    """The reason why there are no labeled examples; empty if there are some."""
    taken: NDArray[np.intp]
    """Rows of `inputs` whose outputs are compared with the reference's, in order."""

    @property
    def model(self) -> Model:
        """Return the network in the pack."""
        return self.pack.model

    @property
    def name(self) -> str:
        """Return the name of the network."""
        return self.model.name

    @property
    def sha256(self) -> str:
        """Return the checksum of the file."""
        return self.pack.sha256

    @property
    def subnets(self) -> tuple[str, ...]:
        """Return the names of the subnets, smallest first."""
        return tuple(subnet.name for subnet in self.model.subnets)

    def pair(self, pair: Pair) -> str:
        """Return the name of an ordered pair of subnets, as `25%->100%`."""
        return "->".join(self.subnets[s] for s in pair)

    @property
    def macs(self) -> int:
        """Return the MACs of an input on all subnets."""
        return sum(subnet.macs for subnet in self.model.subnets)

    @property
    def task(self) -> Task:
        """Return what the outputs of the network are."""
        return task_of(self.pack.card or {})

    def score(self, outputs: NDArray[np.int8], subnet: str) -> float:
        """Return how good a subnet's outputs [clips, outputs] of the labeled examples that are taken are."""
        inputs = self.inputs[self.taken[: len(outputs)]].astype(np.float64) - self.model.input_zero
        real = self.pack.real(outputs, self.subnets.index(subnet))
        return score(self.task, real, self.taken_truth, inputs * self.model.input_scale)

    @property
    def taken_truth(self) -> NDArray[Any]:
        """Return labels or values of the labeled examples among `taken`, its first rows."""
        return self.truth[self.taken[self.taken < len(self.truth)]]

    @property
    def classes(self) -> Labels:
        """Return the classes of the labeled examples; none if the network does not tell classes apart."""
        return self.truth if self.task == "classes" else np.zeros(0, np.uint8)

    @property
    def output_macs(self) -> int:
        """Return the MACs of the outputs of all subnets on the inputs that are taken."""
        return self.macs * len(self.taken)

    @property
    def whole(self) -> bool:
        """Return whether every input is taken."""
        return len(self.taken) == len(self.inputs)

    @property
    def inputs_are(self) -> str:
        """Describe the inputs: their numbers, of how many, and the reason why clips are missing."""
        clips, others = len(self.truth), len(self.inputs) - len(self.truth)
        taken = len(self.taken_truth), len(self.taken) - len(self.taken_truth)
        parts = [f"{_of(taken[0], clips)} labeled examples"] * (clips > 0)
        parts += [f"{_of(taken[1], others)} seeded random inputs"] * (others > 0)
        reason = f" ({self.unlabeled})" if self.unlabeled else ""
        more = "" if self.whole else "; --inputs all takes every one"
        return " and ".join(parts) + reason + more

    def taking(self, most: int) -> "Workload":
        """Return this workload with at most so many inputs taken, drawn with a fixed seed."""
        count = min(most, len(self.inputs))
        rows = np.random.default_rng(_SEED).choice(len(self.inputs), count, replace=False)
        return replace(self, taken=np.sort(rows))


def shipped() -> Path:
    """Return the path of the pack that runs without --pack."""
    return fixtures_dir() / SHIPPED


def load(path: Path) -> Workload:
    """Read the pack, the card `<pack>.json` beside it, and the labeled set that the card names.

    A missing card or labeled set is no error. The pack then runs on seeded random inputs, and `unlabeled`
    holds the reason. Raises `PackError` if the pack or its card cannot be used.
    """
    try:
        pack = load_pack(path)
        size = path.stat().st_size
    except (PackError, OSError) as error:
        raise PackError(f"{error} (--pack; without it the shipped pack is benched)") from error
    model = pack.model
    empty = np.zeros((0, model.input_size), np.int8), np.zeros(0, np.uint8)
    together = "keep the pack, the card and the set of one build together"
    try:
        card = _card(pack)
        clips, truth = find_labeled(card, path.parent)
        if clips.shape[1] != model.input_size:
            sizes = f"its labeled set has inputs of {clips.shape[1]}, the pack takes {model.input_size}"
            raise PackError(f"{path}: {sizes}; {together}")
        found = min(model.output_size(s) for s in range(len(model.subnets)))
        needed = _outputs_needed(card, truth, model)
        if found < needed:
            labels = f"its labeled set needs {needed} outputs, the pack has {found}"
            raise PackError(f"{path}: {labels}; {together}")
        reason = ""
    except LabeledSetMissing as missing:
        (clips, truth), card, reason = empty, {}, str(missing)
    if (taken := len(clips) * _bytes_each(model)) > _LABELED_BYTES:
        takes = f"its {len(clips):,} labeled examples and all outputs take {taken:,} bytes"
        raise PackError(f"{path}: {takes}, at most {_LABELED_BYTES:,} are possible; build it with fewer")
    rng = np.random.default_rng(_SEED)
    random = rng.integers(-LIMIT, LIMIT + 1, (max(0, _enough(model) - len(clips)), model.input_size), np.int8)
    inputs = np.concatenate([clips, random])
    return Workload(pack, size, inputs, truth, _floors(path, model, card), reason, np.arange(len(inputs)))


def _outputs_needed(card: Mapping[str, Any], truth: NDArray[Any], model: Model) -> int:
    """Return the fewest outputs of a pack with this labeled set."""
    match task_of(card):
        case "values":
            return int(truth.shape[1])
        case "anomalies":
            return model.input_size
        case _:
            return int(truth.max()) + 1


def _of(some: int, every: int) -> str:
    return f"{every:,}" if some == every else f"{some:,} of {every:,}"


def _bytes_each(model: Model) -> int:
    """Return the bytes of an input and of its outputs of all subnets."""
    return model.input_size + sum(model.output_size(s) for s in range(len(model.subnets)))


def _enough(model: Model) -> int:
    """Return how many inputs are enough: `ENOUGH`, or fewer for a net of large tensors."""
    values = inference_values(model.tensors, model.layers) * len(model.subnets)
    return max(1, min(ENOUGH, _RANDOM_BYTES // _bytes_each(model), _RANDOM_VALUES // values))


def _card(pack: Pack) -> Mapping[str, Any]:
    if pack.card is not None:
        return pack.card
    file = pack.path.with_suffix(".json")
    if file.exists():
        raise LabeledSetMissing(f"{file.name} is the card of another pack")
    raise LabeledSetMissing(f"there is no card {file.name} beside the pack")


def _floors(path: Path, model: Model, card: Mapping[str, Any]) -> dict[str, float]:
    """Return the floor of each subnet from the card; none if there is no card."""
    if not card:
        return {}
    names = [subnet.name for subnet in model.subnets]
    try:
        return dict(zip(names, shares(card, names, "floor"), strict=True))
    except ValueError as error:
        raise PackError(f"{path}: its card states no floor for each of its subnets: {error}") from error
