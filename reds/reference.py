"""The bit-exact interpreter of a pack: the norm that every kernel on every device is held against.

numpy only, and written to be read. The rule, for each unit written:
`y = clamp(z + ((acc * m + 2^31) >> 32), -127, 127)`, acc the exact sum including the bias.
"""

import numpy as np
from numpy.typing import NDArray

from reds.model import LIMIT, Layer, Model, Step


def requantise(acc: NDArray[np.int64], step: Step) -> NDArray[np.int8]:
    """Bring accumulators [N, units] back to int8 by the subnet's multipliers and zero point."""
    scaled = (acc * step.multiplier.astype(np.int64) + (1 << 31)) >> 32
    y: NDArray[np.int64] = np.clip(step.zero + scaled, -LIMIT, LIMIT)
    return y.astype(np.int8)


def dense(layer: Layer, step: Step, x: NDArray[np.int8]) -> NDArray[np.int8]:
    """One dense layer of a subnet: [N, units_in] -> [N, units_out]."""
    weights = layer.weights[: step.units_out, : step.units_in]
    # float64 holds every sum exactly (|acc| < 2^31) and takes the fast matrix product.
    products = x.astype(np.float64) @ weights.T.astype(np.float64)
    return requantise(products.astype(np.int64) + step.bias, step)


def clamp_input(x: NDArray[np.int8]) -> NDArray[np.int8]:
    """What the host does to inputs before they are sent: speech features do hold -128."""
    return np.maximum(x, -LIMIT).astype(np.int8)


def run(model: Model, subnet: int, x: NDArray[np.int8]) -> NDArray[np.int8]:
    """Outputs of one subnet: x int8 [N, input_size] in [-127, 127] -> int8 [N, output_size].

    Raises `ValueError` if the inputs have another length.
    """
    if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != model.input_size:
        raise ValueError(
            f"{model.name} takes int8 inputs of {model.input_size} bytes, got {x.dtype} {x.shape}"
        )
    values = {0: clamp_input(x)}
    for layer, step in zip(model.layers, model.subnets[subnet].steps, strict=True):
        values[layer.output] = dense(layer, step, values[layer.inputs[0]])
    return values[len(model.tensors) - 1]
