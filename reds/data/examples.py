"""Draw training examples as torch tensors: minibatches, augmented anew each time.

Only this module draws random numbers for examples, in a fixed order, so that a seed decides all of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from numpy.typing import NDArray
from torch import Tensor

from reds.data.catalog import Data
from reds.data.options import AugmentationOptions, DataOptions
from reds.errors import DataError
from reds.pack.scale import Standardization
from reds.rules import check_kind


class Examples:
    """Give the trainer minibatches and validation data.

    Features are float32 [N, features], spatial positions in order, units innermost.

    Attributes:
        task: What the outputs of a net for these examples are.
        validation: Real features float32 [M, features] of the validation part, and labels int64 [M], values
            float32 [M, outputs], or the features again.
        stored: Features of the validation part as int8 [M, features].
    """

    def __init__(self, data: Data, options: DataOptions, augmentation: AugmentationOptions) -> None:
        check_kind("data", data, Data, "give data.stored(name)")
        self.set, self.every, self.balanced = data.set, options.every, options.balanced
        self.augmentation = augmentation
        self._x = torch.from_numpy(data.train_x)
        self.task = data.set.task
        if self.balanced and self.task != "classes":
            raise DataError(f"balanced: {data.set.name} has no classes, but {self.task}: leave it out")
        self._y = _truth(data.train_y)
        if self.balanced:
            self._rarity = 1 / torch.bincount(self._y, minlength=len(data.set.classes)).double()
        self.stored = data.validation_x[:, :: self.every].reshape(len(data.validation_x), -1)
        x = torch.from_numpy(data.set.real(self.stored))
        self.validation = x, x if self.task == "anomalies" else _truth(data.validation_y)

    @property
    def standardization(self) -> Standardization:
        """Return how the features are made from the user's own."""
        return self.set.standardization

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over the training part, float32 [features] each."""
        seen = self._real(self._x[:, :, :: self.every]).flatten(2).flatten(0, 1)
        return seen.mean(0), seen.std(0).clamp_min(1e-3)

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Return the example indices of each minibatch of one epoch; a shorter last minibatch is left out.

        An epoch draws as many examples as there are: each once, or, if `balanced`, with replacement and every
        class equally likely.
        """
        if self.balanced:
            odds = self._rarity[self._y]
            order = torch.multinomial(odds, len(odds), replacement=True, generator=generator)
        else:
            order = torch.randperm(len(self._y), generator=generator)
        return [order[i : i + size] for i in range(0, max(len(order) - size, 0) + 1, size)]

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return a minibatch, each example shifted, flipped and mixed at random.

        Args:
            batch: Indices of the examples, int64 [N].
            generator: Draws the variant of each example and its augmentation.

        Returns:
            Features float32 [N, features] and targets float32 [N, outputs]: probabilities, values, or the
            features themselves.
        """
        n, (height, width) = len(batch), self._x.shape[2:4]
        variant = torch.randint(len(self._x), (n, 1), generator=generator)
        down = self._shift(self.augmentation.shift_rows, n, generator)
        rows = (torch.arange(0, height, self.every) + down).clamp(0, height - 1)
        across = self._shift(self.augmentation.shift_columns, n, generator)
        columns = (torch.arange(width) + across).clamp(0, width - 1)
        if self.augmentation.flip:
            flipped = torch.rand((n, 1), generator=generator) < 0.5
            columns = torch.where(flipped, columns.flip(1), columns)
        index = variant[:, :, None], batch[:, None, None], rows[:, :, None], columns[:, None]
        x = self._real(self._x[index]).flatten(1)
        other = torch.randperm(n, generator=generator)
        share = 1 - self.augmentation.mixup * torch.rand((n, 1), generator=generator)
        mixed = torch.lerp(x[other], x, share)
        if self.task == "anomalies":
            return mixed, mixed
        target = self._y[batch]
        if self.task == "classes":
            target = F.one_hot(target, len(self.set.classes)).float()
        return mixed, torch.lerp(target[other], target, share)

    def plain(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return `count` random examples without augmentation, a random variant of each.

        Returns:
            Features float32 [count, features], and labels int64 [count] or values float32 [count, outputs].
        """
        drawn = torch.randint(len(self._y), (count,), generator=generator)
        variant = torch.randint(len(self._x), (count,), generator=generator)
        x = self._real(self._x[variant, drawn][:, :: self.every]).flatten(1)
        return x, x if self.task == "anomalies" else self._y[drawn]

    def _real(self, x: Tensor) -> Tensor:
        return (x.float() - self.set.zero) * self.set.scale

    def _shift(self, reach: int, n: int, generator: torch.Generator) -> Tensor:
        """Return random shifts int64 [n, 1]; for a reach of 0 all are 0 and nothing is drawn."""
        if not reach:
            return torch.zeros((n, 1), dtype=torch.int64)
        return torch.randint(-reach, reach + 1, (n, 1), generator=generator)


def _truth(y: NDArray[Any]) -> Tensor:
    """Return labels as int64, values as float32."""
    return torch.from_numpy(y.astype(np.float32 if y.dtype.kind == "f" else np.int64))
