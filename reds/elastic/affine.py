"""Affine maps of units that stand in for batch norms, or follow a layer norm."""

import torch
from torch import Tensor, nn


class UnitBias(nn.Module):
    """Add one trained bias to each unit; stands in for the batch norm of a layer that has none."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """Add the biases to float32 [N, units]."""
        return x + self.bias


class UnitAffine(nn.Module):
    """Scale and shift each unit by trained numbers, as a layer norm ends."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.gain, self.offset = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift float32 [N, units]."""
        return x * self.gain + self.offset


class SharedNorm(nn.Module):
    """Apply the full net's batch norm in every subnet: fixed statistics, gain and offset still train."""

    def __init__(self, full: nn.BatchNorm1d) -> None:
        super().__init__()
        assert full.running_mean is not None
        assert full.running_var is not None
        gain = full.weight.detach() / (full.running_var + full.eps).sqrt()
        self.gain = nn.Parameter(gain)
        self.offset = nn.Parameter(full.bias.detach() - full.running_mean * gain)
        self.kept: slice | Tensor = slice(None)

    def of_subnet(self, kept: slice | Tensor) -> "SharedNorm":
        """Return the norm of a subnet, which shares gain and offset with this one.

        Args:
            kept: The units that the subnet keeps.
        """
        part = SharedNorm.__new__(SharedNorm)
        nn.Module.__init__(part)
        part.gain, part.offset, part.kept = self.gain, self.offset, kept
        return part

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift float32 [N, units], the kept units of the full net."""
        return x * self.gain[self.kept] + self.offset[self.kept]
