"""Translate nodes of an ONNX graph to calls of torch, or refuse them by name."""

from reds.elastic.from_onnx.operators import pointwise, shapes, windows
from reds.elastic.from_onnx.operators.calls import OPERATORS, OnnxNode

__all__ = ["OPERATORS", "OnnxNode", "pointwise", "shapes", "windows"]
