"""A user's own tensors as examples to train on."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor


class Own:
    """Examples as torch has them, float32 [N, units, height, width] or [N, features], with labels int64 [N].

    `x` and `validation` hold them as an elastic net reads them, units innermost: `fit` draws from it.
    """

    def __init__(
        self, classes: int, x: Tensor, y: Tensor, validation_x: Tensor, validation_y: Tensor
    ) -> None:
        self.classes, self.x, self.y = classes, innermost(x), y
        self.validation = innermost(validation_x), validation_y

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Every example once, in minibatches of `size` indices; a last one that is short is left."""
        drawn = torch.randperm(len(self.y), generator=generator)
        return [drawn[i : i + size] for i in range(0, max(len(drawn) - size, 0) + 1, size)]

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The examples as they are, and their labels as probabilities float32 [N, classes]."""
        return self.x[batch], F.one_hot(self.y[batch], self.classes).float()

    def labelled(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples in minibatches, with labels int64: what `importance` takes."""
        return zip(torch.split(self.x, size), torch.split(self.y, size), strict=True)


def innermost(x: Tensor) -> Tensor:
    """Units innermost, as an elastic net and a pack read them: [N, height, width, units], or as it is."""
    return x.movedim(1, -1).contiguous()
