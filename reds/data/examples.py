"""Training examples as torch tensors: minibatches, augmented as they are drawn."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.data.options import AugmentationOptions, DataOptions
from reds.data.catalog import Data


class Examples:
    """What `finetune.fit` draws from. Features are float32 [N, features], sites in order, units innermost.

    `validation` are the real features and the labels of the validation part, `stored` its features in int8.
    """

    def __init__(self, data: Data, which: DataOptions, how: AugmentationOptions) -> None:
        self.set, self.every, self.balanced, self.how = data.set, which.every, which.balanced, how
        self._x = torch.from_numpy(data.train_x)
        self._y = torch.from_numpy(data.train_y.astype(np.int64))
        self._rarity = 1 / torch.bincount(self._y, minlength=len(data.set.classes)).double()
        self.stored = data.validation_x[:, :: self.every].reshape(len(data.validation_x), -1)
        labels = torch.from_numpy(data.validation_y.astype(np.int64))
        self.validation = torch.from_numpy(data.set.real(self.stored)), labels

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every feature over the training examples: float32 [features]."""
        seen = self._real(self._x[:, :, :: self.every]).flatten(2).flatten(0, 1)
        return seen.mean(0), seen.std(0).clamp_min(1e-3)

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """As many examples as there are, in minibatches of `size` indices; a last one that is short is left.

        Balanced: every class equally likely, drawn with replacement; else every example once.
        """
        if self.balanced:
            odds = self._rarity[self._y]
            drawn = torch.multinomial(odds, len(odds), replacement=True, generator=generator)
        else:
            drawn = torch.randperm(len(self._y), generator=generator)
        return [drawn[i : i + size] for i in range(0, max(len(drawn) - size, 0) + 1, size)]

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A random variant of each example, shifted, flipped and blended: features and [N, classes]."""
        n, (height, width) = len(batch), self._x.shape[2:4]
        variant = torch.randint(len(self._x), (n, 1), generator=generator)
        down = self._shift(self.how.shift_rows, n, generator)
        rows = (torch.arange(0, height, self.every) + down).clamp(0, height - 1)
        across = self._shift(self.how.shift_columns, n, generator)
        columns = (torch.arange(width) + across).clamp(0, width - 1)
        if self.how.flip:
            turned = torch.rand((n, 1), generator=generator) < 0.5
            columns = torch.where(turned, columns.flip(1), columns)
        places = variant[:, :, None], batch[:, None, None], rows[:, :, None], columns[:, None]
        x = self._real(self._x[places]).flatten(1)
        target = F.one_hot(self._y[batch], len(self.set.classes)).float()
        other = torch.randperm(n, generator=generator)
        share = 1 - self.how.mixup * torch.rand((n, 1), generator=generator)
        return torch.lerp(x[other], x, share), torch.lerp(target[other], target, share)

    def plain(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` examples as they are, a random variant of each: features and labels int64."""
        drawn = torch.randint(len(self._y), (count,), generator=generator)
        variant = torch.randint(len(self._x), (count,), generator=generator)
        return self._real(self._x[variant, drawn][:, :: self.every]).flatten(1), self._y[drawn]

    def _real(self, x: Tensor) -> Tensor:
        return (x.float() - self.set.zero) * self.set.scale

    def _shift(self, reach: int, n: int, generator: torch.Generator) -> Tensor:
        """Shifts of n examples: int64 [n, 1]; none, and nothing drawn, if the reach is 0."""
        if not reach:
            return torch.zeros((n, 1), dtype=torch.int64)
        return torch.randint(-reach, reach + 1, (n, 1), generator=generator)
