"""A user's own tensors as examples to train on."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.elastic.layers import units_last
from reds.errors import DataError


class Own:
    """Examples as torch has them, float32 [N, units, height, width] or [N, features], with labels int64 [N].

    `x` and `validation` hold them as an elastic net reads them, units innermost: `fit` draws from it. Raises
    `DataError` for other tensors, features that are not finite, and labels that are not 0 to `classes` - 1.
    """

    def __init__(
        self, classes: int, x: Tensor, y: Tensor, validation_x: Tensor, validation_y: Tensor
    ) -> None:
        _check("x", x, "y", y, classes)
        _check("validation_x", validation_x, "validation_y", validation_y, classes)
        self.classes, self.x, self.y = classes, units_last(x), y
        self.validation = units_last(validation_x), validation_y

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Every example once, in minibatches of `size` indices; a last one that is short is left."""
        drawn = torch.randperm(len(self.y), generator=generator)
        return [drawn[i : i + size] for i in range(0, max(len(drawn) - size, 0) + 1, size)]

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The examples as they are, and their labels as probabilities float32 [N, classes]."""
        return self.x[batch], F.one_hot(self.y[batch], self.classes).float()

    def labeled(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples in minibatches, with labels int64: what `importance` takes."""
        return zip(torch.split(self.x, size), torch.split(self.y, size), strict=True)


def _check(of_x: str, x: Tensor, of_y: str, y: Tensor, classes: int) -> None:
    """One part of the examples."""
    for name, each, dtype in (of_x, x, torch.float32), (of_y, y, torch.int64):
        if not isinstance(each, Tensor) or each.dtype != dtype:
            given = getattr(each, "dtype", type(each).__name__)
            raise DataError(f"{name} is of {given}: a tensor of {dtype} is needed")
    if x.ndim not in (2, 4) or y.shape != (len(x),) or not len(x):
        shapes = f"{of_x} {list(x.shape)} and {of_y} {list(y.shape)}"
        raise DataError(f"{shapes}: [N, units, height, width] or [N, features], and N labels are needed")
    if not x.isfinite().all():
        raise DataError(f"{of_x} holds numbers that are not finite")
    if not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise DataError(f"{of_y} holds labels {int(y.min())} to {int(y.max())}: they are 0 to {classes - 1}")
