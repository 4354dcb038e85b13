"""Convert an ONNX file to an elastic net, in one call.

The package `onnx` reads and checks the file. `operators` translate each node to calls of torch, `graph`
joins them, and `from_module` does the rest. The file is also run by the reference evaluator of `onnx`, with
which the calls have to agree.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reds.elastic.from_module import TOLERANCE, convert
from reds.elastic.from_onnx.graph import has_units_last, to_calls
from reds.elastic.net import ElasticNet
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import NotElasticError
from reds.reading import reason
from reds.text import shown

MOST_FEATURES = 1 << 22
"""Most numbers of a batch, so that a damaged file does not take all memory."""
OPSET = 18
"""Files of older operators are converted to these, which the reference evaluator runs rightly."""


@torch_defaults()
def from_onnx(path: str | Path, input_shape: Sequence[int] | None = None) -> ElasticNet:
    """Return the full elastic net that computes the same as an ONNX file.

    It needs `pip install 'reds-hil[onnx]'`. Several outputs lie side by side, and `heads` of the net names
    them.

    Args:
        path: The file, with one input [N, units, rows, columns], [N, units, length] or [N, features]. Units
            may be last as Keras has them; the net is the same.
        input_shape: Shape of one example in the file's order; by default that of the file.

    Raises:
        NotElasticError: The file cannot be read, leaves the input's shape open, or has a node that no layer
            computes, which is named.

    Warns:
        SoftmaxLeftOutWarning: The file ends in a softmax, and training and packs need the logits before it.
    """
    if not isinstance(path, str | Path):
        raise NotElasticError(
            f"{type(path).__name__}: it is no path: save the model by onnx.save, and give that"
        )
    name = Path(path).name
    model = _load(Path(path))
    sides = _input_shape(name, model.graph, input_shape)
    batch = _inputs(model.graph)[0].type.tensor_type.shape.dim[0].dim_value or 1
    if (numbers := batch * prod(sides)) > MOST_FEATURES:
        raise NotElasticError(f"{name}: reads {numbers:,} numbers, at most {MOST_FEATURES:,} can be read")
    x = torch.randn(batch, *sides, generator=torch.Generator().manual_seed(0))
    reads = _inputs(model.graph)[0].name
    module, traced = to_calls(name, model, reads, x)
    _check_same_outputs(name, model, module, x)
    try:
        return convert(module, name, x, traced, has_units_last(model.graph, reads))
    except NotElasticError as error:
        text = str(error)
        raise NotElasticError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from None


def _load(path: Path) -> Any:
    """Return the model of a file, checked by `onnx`. Raises `NotElasticError`."""
    try:
        import onnx
    except ImportError:
        raise NotElasticError(
            f"{path.name}: the package onnx is needed to read it: pip install 'reds-hil[onnx]'"
        ) from None
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        if any(each.domain in ("", "ai.onnx") and each.version < OPSET for each in model.opset_import):
            model = onnx.version_converter.convert_version(model, OPSET)
    except Exception as error:  # of protobuf, the checker, the converter or the file system
        raise NotElasticError(
            f"{path.name}: is no ONNX file that can be read: {reason(error)}; export it again, in one file"
        ) from None
    return model


def _input_shape(name: str, graph: Any, given: Sequence[int] | None) -> list[int]:
    """Return the shape of one example. Raises `NotElasticError` unless file and caller agree on one."""
    inputs = _inputs(graph)
    if len(inputs) != 1:
        found = ", ".join(each.name for each in inputs)
        raise NotElasticError(f"{name}: has {len(inputs)} inputs ({found}): one is needed")
    sides = [each.dim_value or None for each in inputs[0].type.tensor_type.shape.dim][1:]
    found = f"input {inputs[0].name} has shape [N, {', '.join(str(side or '?') for side in sides)}]"
    if given is None:
        if not sides or None in sides:
            raise NotElasticError(
                f"{name}: {found}: give the shape of one example, as input_shape=(3, 32, 32)"
            )
        return [side for side in sides if side]
    if not isinstance(given, Sequence) or not all(
        isinstance(side, int | np.integer) and side >= 1 for side in given
    ):
        raise NotElasticError(
            f"{name}: input_shape is {shown(given)}: give the shape of one example in whole numbers, as"
            " (3, 32, 32)"
        )
    if len(given) != len(sides) or any(b not in (None, a) for a, b in zip(given, sides, strict=True)):
        raise NotElasticError(f"{name}: {found}, input_shape is {list(given)}: correct it")
    return [int(side) for side in given]


def _inputs(graph: Any) -> list[Any]:
    """Return the inputs that have no value in the file."""
    known = {tensor.name for tensor in graph.initializer}
    return [each for each in graph.input if each.name not in known]


@torch.no_grad()
def _check_same_outputs(name: str, model: Any, module: torch.nn.Module, x: Tensor) -> None:
    """Raise `NotElasticError` unless a torch module has the outputs of `onnx`'s reference evaluator.

    Args:
        name: Name of the file.
        model: The file, which reads `x`.
        module: The module, which reads `x` too.
        x: Examples as the file reads them.
    """
    from onnx.reference import ReferenceEvaluator

    try:
        expected = ReferenceEvaluator(model).run(None, {_inputs(model.graph)[0].name: x.numpy()})
    except Exception as error:  # of any operator
        raise NotElasticError(f"{name}: onnx cannot run it: {reason(error)}; export it again") from None
    found = module(x)
    for one, other in zip(expected, found.values() if isinstance(found, dict) else [found], strict=True):
        difference = np.abs(other.numpy() - one).max()
        if not difference <= TOLERANCE * np.abs(one).max():
            raise NotElasticError(
                f"{name}: the net computes something else (outputs differ by {difference:.2g}): export it"
                " again"
            )
