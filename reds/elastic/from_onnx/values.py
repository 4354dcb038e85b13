"""Hold a tensor of an ONNX graph beside the value that a torch module holds for it.

Files of Keras and TensorFlow have units last, and turn axes before and after each convolution. A torch module
has units first throughout. A turn of axes changes only how a held value stands for the file's tensor.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx

UNITS_FIRST, UNITS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
"""Orders of axes that turn [N, rows, columns, units] to [N, units, rows, columns], and back."""


@dataclass(frozen=True, eq=False)
class Value:
    """Hold a tensor of the file."""

    node: fx.Node
    """Node that computes the held value."""
    sample: Tensor
    """The file's tensor for some examples."""
    last: bool = False
    """Whether the file's tensor has units last, where the held value has them first."""
    order: Tensor | None = None
    """Position in the file's tensor of each held feature, if they differ."""
    shared: bool = False
    """Whether more than one node reads the held value."""

    @property
    def held(self) -> Tensor:
        """Return the held value for these examples."""
        if self.order is not None:
            return self.sample[:, self.order]
        return self.sample.permute(UNITS_FIRST) if self.last else self.sample

    def turned(self, axes: tuple[int, ...]) -> "Value | None":
        """Return the value with its axes turned, or None if units are neither first nor last afterwards."""
        if axes != (UNITS_FIRST if self.last else UNITS_LAST) or self.sample.ndim != 4:
            return None
        return replace(self, sample=self.sample.permute(axes), last=not self.last)

    def with_held(self, node: fx.Node, held: Tensor) -> "Value":
        """Return the value of a node that keeps the order of axes and features."""
        if self.order is not None:
            sample = torch.empty_like(held)
            sample[:, self.order] = held
            return Value(node, sample, order=self.order)
        return Value(node, held.permute(UNITS_LAST) if self.last else held, self.last)

    def per_unit(self, constant: Tensor) -> Tensor | None:
        """Return a constant that is computed with this tensor as one number for each unit, or None.

        Args:
            constant: A constant that broadcasts to the file's tensor.
        """
        if constant.ndim > self.sample.ndim:
            return None
        full = constant.reshape([1] * (self.sample.ndim - constant.ndim) + list(constant.shape))
        full = full.permute(UNITS_FIRST) if self.last else full
        units = self.held.shape[1]
        alone = all(side == 1 for i, side in enumerate(full.shape) if i != 1) and full.shape[1] in (1, units)
        return full.flatten().expand(units) if alone and self.order is None else None

    def flattened(self, node: fx.Node, sample: Tensor) -> "Value":
        """Return the value of a node that flattens the held one, for a file that flattens to `sample`."""
        if not self.last:
            return Value(node, sample)
        _, rows, columns, units = self.sample.shape
        order = torch.arange(rows * columns * units).reshape(rows, columns, units).permute(2, 0, 1).flatten()
        return Value(node, sample, order=order if rows * columns > 1 else None)
