"""Training clips as torch tensors: balanced minibatches, augmented as they are drawn."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.data.speech import CLASSES, FRAMES, SpeechData, real
from reds.recipe import Augmentation


class SpeechClips:
    """Clips for `finetune.fit`; `every` keeps every second, third... frame.

    `validation` are its real features and labels, `stored` the same features in int8; `mean` and `std`
    [features] are those of the training clips.
    """

    def __init__(self, data: SpeechData, every: int, how: Augmentation) -> None:
        self.how, self.every = how, every
        self._x = torch.from_numpy(real(data.train_x))
        self._y = torch.from_numpy(data.train_y.astype(np.int64))
        self._rarity = 1 / torch.bincount(self._y, minlength=len(CLASSES)).double()
        self.stored = data.validation_x[:, ::every].reshape(len(data.validation_x), -1)
        labels = torch.from_numpy(data.validation_y.astype(np.int64))
        self.validation = torch.from_numpy(real(self.stored)), labels
        seen = self._x[:, :, ::every].flatten(2).flatten(0, 1)
        self.mean, self.std = seen.mean(0), seen.std(0).clamp_min(1e-3)

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """As many clips as there are, every class equally likely, in minibatches of `size` indices."""
        drawn = torch.multinomial(self._rarity[self._y], len(self._y), replacement=True, generator=generator)
        return [drawn[i : i + size] for i in range(0, max(len(drawn) - size, 0) + 1, size)]

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A random variant of each clip, shifted and blended: float32 [N, features], [N, classes]."""
        n = len(batch)
        variant = torch.randint(len(self._x), (n, 1), generator=generator)
        shift = torch.randint(-self.how.shift, self.how.shift + 1, (n, 1), generator=generator)
        frames = (torch.arange(0, FRAMES, self.every) + shift).clamp(0, FRAMES - 1)
        x = self._x[variant, batch[:, None], frames].flatten(1)
        target = F.one_hot(self._y[batch], len(CLASSES)).float()
        other = torch.randperm(n, generator=generator)
        share = 1 - self.how.mixup * torch.rand((n, 1), generator=generator)
        return torch.lerp(x[other], x, share), torch.lerp(target[other], target, share)

    def plain(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` clips as they are, a random variant of each: features and labels int64."""
        drawn = torch.randint(len(self._y), (count,), generator=generator)
        variant = torch.randint(len(self._x), (count,), generator=generator)
        return self._x[variant, drawn][:, :: self.every].flatten(1), self._y[drawn]
