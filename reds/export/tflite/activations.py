"""Give every activation table a layer of its own, which copies its input through the table."""

from dataclasses import replace

import numpy as np

from reds.pack.model import IntegerLayer, Kind, Model, Step

NO_ROWS = np.zeros(0, np.int32)


def split_activations(model: Model) -> Model:
    """Return a model of one subnet whose tables follow max pools of one position alone."""
    (subnet,) = model.subnets
    tensors, layers, steps = [model.tensors[0]], list[IntegerLayer](), list[Step]()
    at = [0]  # the place of each tensor of the model
    for layer, step in zip(model.layers, subnet.steps, strict=True):
        inputs = tuple(at[tensor] for tensor in layer.inputs)
        layers.append(replace(layer, inputs=inputs, output=len(layers) + 1))
        tensors.append(model.tensors[layer.output])
        steps.append(replace(step, layer=len(steps), zero=step.kernel_zero, activation=None))
        if step.activation is not None:
            layers.append(
                IntegerLayer(Kind.MAX_POOL, (len(layers),), len(layers) + 1, np.zeros((0, 0), np.int8))
            )
            tensors.append(tensors[-1])
            units = step.units_out
            steps.append(
                Step(len(steps), units, units, NO_ROWS, NO_ROWS, step.zero, activation=step.activation)
            )
        at.append(len(layers))
    return replace(
        model,
        tensors=tuple(tensors),
        layers=tuple(layers),
        subnets=(replace(subnet, steps=tuple(steps), arena=None),),
    )
