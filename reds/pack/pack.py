"""Load a pack as a user sees it: its subnets with their accuracy, and the bit-exact interpreter."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reds.errors import ModelError, PackError
from reds.pack import interpreter
from reds.pack.array_like import array_of
from reds.pack.card import read_card, shares, standardization
from reds.pack.model import Model
from reds.pack.paths import pack_path
from reds.pack.reader import loads, read_bytes
from reds.pack.scale import UNCHANGED, Scale, Standardization
from reds.pack.subnets import Subnets


@dataclass(frozen=True)
class PackSubnet:
    """One subnet of a pack."""

    name: str
    macs: int
    accuracy: float | None
    """Fraction of the test examples that it classifies right in int8; None without a card."""


@dataclass(frozen=True)
class Pack:
    """A `.reds` file and the card beside it."""

    path: Path
    model: Model
    sha256: str
    card: Mapping[str, Any] | None
    """The content of the card: a JSON file beside the pack. None if there is none for these bytes."""

    @property
    def subnets(self) -> Subnets[PackSubnet]:
        """Return the subnets, smallest first: `pack.subnets[0]`, `pack.subnets["25%"]`."""
        names = [subnet.name for subnet in self.model.subnets]
        accuracy: list[float | None] = [None] * len(names)
        if self.card is not None:
            try:
                accuracy[:] = shares(self.card, names, "accuracy", "test")
            except ValueError as error:
                lacks = f"its card states no accuracy for each subnet: {error}"
                raise PackError(f"{self.path}: {lacks}; delete the card, or build again") from error
        return Subnets(
            PackSubnet(subnet.name, subnet.macs, share)
            for subnet, share in zip(self.model.subnets, accuracy, strict=True)
        )

    @property
    def standardization(self) -> Standardization:
        """Return how features are standardized before they are stored.

        Raises:
            PackError: The pack needs its card for this, and has none that states it.
        """
        if not self.model.standardized:
            return UNCHANGED
        path = self.path.with_suffix(".json")
        needs = f"{self.path}: its features are standardized by the mean and deviation in its card"
        if self.card is None:
            raise PackError(
                f"{needs}, but {path} is no card of this pack: copy the card, or give int8 features"
            )
        try:
            return standardization(self.card, self.model.tensors[0].units)
        except ValueError as error:
            raise PackError(f"{needs}, but {path} does not state them: {error}; build again") from error

    def run(self, x: ArrayLike, *, subnet: str | int) -> NDArray[np.float32] | NDArray[np.int8]:
        """Return the outputs of one subnet, bit for bit as on every device.

        Args:
            x: Features in the axis order of torch: [N, units, rows, columns] or [N, features]. Floating-point
                features are quantized first. Or int8 [N, input_size] in the order that a device reads.
            subnet: The name, as `25%`, or the index; 0 is the smallest.

        Returns:
            Logits or values float32 [N, outputs]; for int8 features int8 [N, outputs].

        Raises:
            PackError: The features have another shape or type, or floating-point features need a card that
                is missing.
            ModelError: The pack has no such subnet.
        """
        index, given = self._index(subnet), self._array(x)
        out = interpreter.run(self.model, index, self.stored(given))
        return out if given.dtype == np.int8 else self.real(out, index)

    def stored(self, x: ArrayLike) -> NDArray[np.int8]:
        """Return features as a device reads them, int8 [N, input_size], of those that `run` takes."""
        given = self._stored_order(self._array(x))
        if given.dtype == np.int8:
            return given.astype(np.int8, copy=False)
        if not np.isfinite(given).all():
            raise PackError(f"{self.path}: features are not finite: replace them, or remove their examples")
        scale = Scale(self.model.input_scale, self.model.input_zero, np.zeros(1))
        by_unit = given.reshape(-1, self.model.tensors[0].units)
        return scale.stored(self.standardization.apply(by_unit)).reshape(given.shape)

    def real(self, outputs: NDArray[np.int8], index: int) -> NDArray[np.float32]:
        """Return the real values of the int8 outputs of the subnet with this index, both [N, outputs].

        Of classes they are logits. Of a net that gives values they have the unit that the card states.
        """
        zero, scale = self.model.rooms(index)[-1].zero, self.model.subnets[index].output_scale
        return self._targets.undone((outputs.astype(np.float64) - zero) * scale).astype(np.float32)

    @property
    def _targets(self) -> Standardization:
        """Return how the values that the net gives are standardized, by the card."""
        if self.card is None or "output" not in self.card:
            return UNCHANGED
        try:
            return standardization(self.card, self.model.output_size(0), "output")
        except ValueError as error:
            path = self.path.with_suffix(".json")
            raise PackError(f"{path}: it does not state the unit of values: {error}; build again") from error

    def _index(self, subnet: str | int) -> int:
        if isinstance(subnet, str):
            return self.model.subnet(subnet)
        last = len(self.model.subnets) - 1
        if not isinstance(subnet, int | np.integer) or isinstance(subnet, bool) or not 0 <= subnet <= last:
            raise ModelError(f"{self.path}: no subnet {subnet!r}: give a name, or an index from 0 to {last}")
        return int(subnet)

    def _array(self, x: ArrayLike) -> NDArray[Any]:
        try:
            return array_of(x)
        except ValueError as error:
            raise PackError(f"{self.path}: features: {error}") from error

    def _stored_order(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return features as [N, input_size], units innermost."""
        source = self.model.tensors[0]
        if x.dtype == np.int8 or x.dtype.kind == "f":
            if x.shape[1:] == (source.units, source.height, source.width):
                return np.moveaxis(x, 1, -1).reshape(len(x), self.model.input_size)
            flat = x.dtype == np.int8 or source.positions == 1
            if flat and x.shape[1:] == (self.model.input_size,):
                return x
        sides = f"[N, {source.units}, {source.height}, {source.width}]"
        wanted = f"floating-point or int8 {sides}, or int8 [N, {self.model.input_size}]"
        raise PackError(f"{self.path}: features are {x.dtype} {list(x.shape)}: {wanted} is needed")


def load_pack(path: str | Path) -> Pack:
    """Read a pack, and the card beside it if there is one.

    Args:
        path: The `.reds` file; `~` is the home folder. Its card has the same name and the suffix `.json`.

    Raises:
        PackError: The pack is missing or damaged, or its card cannot be read.
    """
    path = pack_path(path)
    data = read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    return Pack(path, loads(data, str(path)), sha256, read_card(path.with_suffix(".json"), sha256))
