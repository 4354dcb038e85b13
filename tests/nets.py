"""Models made for tests: random weights and tables, nested widths, every rule of the pack kept."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from reds.model import Kind, Layer, Model, Step, Subnet, Tensor


def dense_model(
    widths: Sequence[int],
    subnets: Sequence[Sequence[int]],
    seed: int = 0,
    name: str = "test-net",
    extreme: bool = False,
) -> Model:
    """A dense net of `widths` (input first) whose subnets have the given hidden and output widths.

    `extreme`: weights of +-127 only, so that sums are as large as they can be.
    """
    rng = np.random.default_rng(seed)
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        weights = rng.integers(-127, 128, (n_out, n_in)).astype(np.int8)
        if extreme:
            weights = np.where(weights < 0, -127, 127).astype(np.int8)
        layers.append(Layer(Kind.DENSE, (i,), i + 1, weights, relu=i < len(widths) - 2))
    nested = []
    for s, hidden in enumerate(subnets):
        units = [widths[0], *hidden]
        steps = []
        for layer, (n_in, n_out) in zip(layers, pairwise(units), strict=True):
            bias = rng.integers(-40_000, 40_000, n_out).astype(np.int32)
            spread = 127 * 73 * max(1.0, np.sqrt(n_in)) / 90
            size = rng.uniform(0.5, 1.5, n_out) * rng.choice([-1, 1], n_out, p=[0.1, 0.9]) / spread
            multiplier = (np.round(size * 2**24) * 256).astype(np.int32)
            steps.append(
                Step(n_in, n_out, bias, multiplier, -127 if layer.relu else int(rng.integers(-20, 20)))
            )
        macs = sum(a * b for a, b in pairwise(units))
        nested.append(Subnet(f"{(s + 1) * 100 // len(subnets)}%", macs, tuple(steps), 0.1))
    tensors = tuple(Tensor(1, 1, w) for w in widths)
    return Model(name, tensors, tuple(layers), tuple(nested), 0.5, 83)


def dnn_s(seed: int = 0) -> Model:
    """The shape of DNN S with plausible subnets, untrained."""
    hidden = ([60, 60, 60], [92, 92, 92], [120, 120, 120], [144, 144, 144])
    return dense_model([250, 144, 144, 144, 12], [[*h, 12] for h in hidden], seed, "dnn-s")


def inputs(model: Model, n: int, seed: int = 0) -> np.ndarray:
    """Random inputs, the extremes among them: int8 [n, input_size]."""
    x = np.random.default_rng(seed).integers(-127, 128, (n, model.input_size)).astype(np.int8)
    if n > 2:
        x[0], x[1] = 127, -127
    return x
