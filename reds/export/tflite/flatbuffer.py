"""A TFLite graph, built op by op: the one place that knows the file format, by tensorflow's own classes.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPS = {
    "ADD": ("AddOptions", 2),
    "CONV_2D": ("Conv2DOptions", 3),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", 3),
    "FULLY_CONNECTED": ("FullyConnectedOptions", 4),
    "MAX_POOL_2D": ("Pool2DOptions", 2),
    "MEAN": ("ReducerOptions", 2),
    "PAD": ("PadOptions", 2),
    "RESHAPE": ("ReshapeOptions", 1),
    "TRANSPOSE": ("TransposeOptions", 2),
}
"""The ops that a subnet takes: what holds their options, and the version that knows int8."""
ALIGNMENT = 16
"""Bytes; a microcontroller reads constants in place."""


@dataclass(frozen=True)
class Label:
    """How TFLite reads an int8 tensor: real = (q - zero) * scale."""

    scale: float
    zero: int


@dataclass(frozen=True)
class Value:
    """An int8 tensor of the graph."""

    index: int
    shape: tuple[int, ...]
    label: Label


def schema() -> Any:
    """tensorflow's classes of the file format. Raises `ModuleNotFoundError` without tensorflow."""
    for talk, off in (("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0")):
        os.environ.setdefault(talk, off)
    return import_module("tensorflow.lite.python.schema_py_generated")


class Graph:
    """Takes values, constants and ops, in the order they run; `ModuleNotFoundError` without tensorflow."""

    def __init__(self, description: str) -> None:
        self._schema = schema()
        self._description = description
        self._tensors: list[Any] = []
        self._buffers = [self._schema.BufferT()]
        self._codes: list[str] = []
        self._ops: list[Any] = []

    def value(self, shape: tuple[int, ...], label: Label) -> Value:
        """An int8 tensor that is computed, or the graph's input."""
        scales = self._scales(np.array([label.scale]), label.zero, 0)
        return Value(self._tensor(shape, np.dtype(np.int8), scales), shape, label)

    def constant(
        self, data: NDArray[np.integer], scales: NDArray[np.float64] | None = None, axis: int = 0
    ) -> int:
        """The index of a constant tensor: int8 or int32, with a scale for each place along `axis`."""
        self._buffers.append(self._buffer(data.astype(data.dtype.newbyteorder("<")).tobytes()))
        quantization = None if scales is None else self._scales(scales, 0, axis)
        return self._tensor(data.shape, data.dtype, quantization, len(self._buffers) - 1)

    def op(
        self, name: str, reads: Sequence[int], shape: tuple[int, ...], label: Label, **options: object
    ) -> Value:
        """What an op of `OPS` makes of the tensors it reads; options are the schema's fields."""
        kind, _ = OPS[name]
        written = self.value(shape, label)
        op = self._schema.OperatorT()
        if name not in self._codes:
            self._codes.append(name)
        op.opcodeIndex = self._codes.index(name)
        op.inputs, op.outputs = np.array(reads, np.int32), np.array([written.index], np.int32)
        op.builtinOptionsType = getattr(self._schema.BuiltinOptions, kind)
        op.builtinOptions = getattr(self._schema, f"{kind}T")()
        vars(op.builtinOptions).update(options)
        self._ops.append(op)
        return written

    def dumps(self, first: Value, last: Value) -> bytes:
        """The file's bytes; `first` is the graph's input, `last` its output."""
        self._tensors[first.index].name, self._tensors[last.index].name = "input", "output"
        part = self._schema.SubGraphT()
        part.tensors, part.operators, part.name = self._tensors, self._ops, "main"
        part.inputs, part.outputs = np.array([first.index], np.int32), np.array([last.index], np.int32)
        model = self._schema.ModelT()
        model.version, model.description = 3, self._description
        model.operatorCodes = [self._code(name) for name in self._codes]
        model.subgraphs, model.buffers = [part], self._buffers
        builder = import_module("flatbuffers").Builder()
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _buffer(self, data: bytes) -> Any:
        class Aligned(self._schema.BufferT):  # type: ignore[misc, name-defined]
            """The schema asks for an alignment that tensorflow's Python classes leave out."""

            def Pack(self, builder: Any) -> Any:  # noqa: N802, the base's name
                builder.Prep(ALIGNMENT, len(data))
                return super().Pack(builder)

        buffer = Aligned()
        buffer.data = np.frombuffer(data, np.uint8)
        return buffer

    def _code(self, name: str) -> Any:
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(self._schema.BuiltinOperator, name)
        _, code.version = OPS[name]
        return code

    def _tensor(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], quantization: Any, buffer: int = 0
    ) -> int:
        tensor = self._schema.TensorT()
        tensor.shape, tensor.hasRank, tensor.buffer = np.array(shape, np.int32), True, buffer
        tensor.type = getattr(self._schema.TensorType, dtype.name.upper())
        tensor.name, tensor.quantization = f"tensor{len(self._tensors)}", quantization
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _scales(self, scales: NDArray[np.float64], zero: int, axis: int) -> Any:
        found = self._schema.QuantizationParametersT()
        found.scale, found.zeroPoint = scales.astype(np.float32), np.full(len(scales), zero, np.int64)
        found.quantizedDimension = axis
        return found
