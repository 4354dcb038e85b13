"""Batch norms with the statistics of the whole minibatch, of which each process has a share.

Torch's own `SyncBatchNorm` runs on GPUs only. With the statistics of its own share, a process would train
another net than one process does, and a share of one example could not be normalized at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from reds.training import processes


class SynchronizedNorm(nn.BatchNorm1d):
    """Share parameters and statistics with a batch norm, and measure a minibatch in all processes."""

    def __init__(self, norm: nn.BatchNorm1d) -> None:
        nn.Module.__init__(self)
        self.num_features, self.eps, self.momentum = norm.num_features, norm.eps, norm.momentum
        self.affine, self.track_running_stats, self.training = True, True, norm.training
        self._parameters, self._buffers = norm._parameters, norm._buffers

    def forward(self, input: Tensor) -> Tensor:
        """Normalize this process's share float32 [N, units] of a minibatch, which is split in any way."""
        if not self.training:
            return super().forward(input)
        applied = Normalized.apply(input, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        y, mean, variance, rows = applied
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
            rate = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
            self.running_mean.lerp_(mean, rate)
            self.running_var.lerp_(variance * (rows / (rows - 1)), rate)
        normalized: Tensor = y
        return normalized


class Normalized(torch.autograd.Function):
    """Normalize x [N, units] by the mean and the variance of all processes' x."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, offset: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the output, the common mean and biased variance [units], and the count of all rows.

        Args:
            ctx: Keeps what `backward` needs.
            x: This process's rows float32 [N, units].
            gain: Factor of each unit.
            offset: Summand of each unit.
            eps: Least variance.
        """
        variance, mean = torch.var_mean(x, 0, correction=0)
        every = processes.gathered(torch.cat([mean, variance, mean.new_full((1,), len(x))]))
        means, variances, rows = torch.split(every, [x.shape[1], x.shape[1], 1], 1)
        total = rows.sum()
        mean = (rows * means).sum(0) / total
        variance = (rows * (variances + (means - mean) ** 2)).sum(0) / total
        scale = (variance + eps).rsqrt()
        normal = (x - mean) * scale
        ctx.save_for_backward(normal, gain, scale, total)
        ctx.mark_non_differentiable(mean, variance, total)
        return normal * gain + offset, mean, variance, total

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, None]:
        """Return the gradients of x, gain and offset; those of gain and offset are of this process's rows."""
        normal, gain, scale, total = ctx.saved_tensors
        d_gain, d_offset = (dy * normal).sum(0), dy.sum(0)
        of_gain, of_offset = (processes.add_up(torch.stack([d_gain, d_offset])) / total).unbind()
        return gain * scale * (dy - of_offset - normal * of_gain), d_gain, d_offset, None


@contextmanager
def synchronized(net: nn.Module) -> Iterator[None]:
    """Let the batch norms of a net measure in all processes together inside a with block."""
    swapped = []
    for parent in [*net.modules()] if processes.count() > 1 else []:
        for name, norm in parent.named_children():
            if isinstance(norm, nn.BatchNorm1d):
                swapped.append((parent, name, norm))
    for parent, name, norm in swapped:
        setattr(parent, name, SynchronizedNorm(norm))
    try:
        yield
    finally:
        for parent, name, norm in swapped:
            norm.train(getattr(parent, name).training)
            setattr(parent, name, norm)
