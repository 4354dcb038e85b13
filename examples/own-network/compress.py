"""Turn a small PyTorch network into a pack with three subnets: mine.reds, its card and labeled examples."""

import numpy as np
import torch
from torch import nn

import reds


def pictures(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make n noisy pictures [n, 3, 12, 12] of four classes, each bright in another corner."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 4
    x = random.normal(0, 0.5, (n, 3, 12, 12)).astype(np.float32)
    for picture, label in zip(x, y, strict=True):
        row, column = 6 * (label // 2), 6 * (label % 2)
        picture[:, row : row + 6, column : column + 6] += 1
    return x, y


def network() -> nn.Module:
    """Make the network: two convolutions and a classifier."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AvgPool2d(3), nn.Flatten(), nn.Linear(32, 4),
    )  # fmt: skip


if __name__ == "__main__":
    torch.manual_seed(0)
    net = reds.from_module(network(), input_shape=(3, 12, 12))
    data = reds.Dataset(
        train=pictures(400, 0),
        validation=pictures(100, 1),
        test=pictures(200, 2),
        classes=["a", "b", "c", "d"],
    )
    result = reds.compress(net, data, budgets=[0.25, 0.5, 1.0], epochs=10)
    for subnet in result.subnets:
        print(f"{subnet.name}: {subnet.macs:,} MACs, accuracy {subnet.accuracy:.3f}")
    result.save("mine.reds")
