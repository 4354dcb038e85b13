"""ONNX files, as torch writes them and made node by node."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn


def exported(
    module: nn.Module, shape: Sequence[int], path: Path, opset: int = 18, batch: int = 1, **options: Any
) -> Path:
    """The module as an ONNX file, written by torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older exporter, which needs no further package
        torch.onnx.export(
            module.eval(), (torch.zeros(batch, *shape),), path, opset_version=opset, dynamo=False,
            input_names=["x"], **options,
        )  # fmt: skip
    return path


def made(
    path: Path, nodes: Sequence[onnx.NodeProto], shape: Sequence[int | str],
    constants: Mapping[str, np.ndarray[Any, Any]] | None = None, outputs: Sequence[str] = ("y",),
) -> Path:  # fmt: skip
    """A file of nodes from input `x` [1, *shape] to the outputs, with constants by name."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "k"]) for name in outputs]
    values = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "net", inputs, ends, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    return path


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node that is named after its output."""
    return helper.make_node(kind, inputs.split(), [output], name=output, **attributes)
