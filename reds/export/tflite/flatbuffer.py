"""Build a TFLite file op by op; the one module that knows the file format, through tensorflow's own classes.

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
    "CAST": ("CastOptions", 1),
    "CONCATENATION": ("ConcatenationOptions", 2),
    "CONV_2D": ("Conv2DOptions", 3),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", 3),
    "FULLY_CONNECTED": ("FullyConnectedOptions", 4),
    "GATHER": ("GatherOptions", 2),
    "MAXIMUM": ("MaximumMinimumOptions", 2),
    "MAX_POOL_2D": ("Pool2DOptions", 2),
    "MEAN": ("ReducerOptions", 2),
    "MINIMUM": ("MaximumMinimumOptions", 2),
    "MUL": ("MulOptions", 2),
    "PAD": ("PadOptions", 2),
    "PADV2": ("PadV2Options", 2),
    "RESHAPE": ("ReshapeOptions", 1),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", 3),
    "SLICE": ("SliceOptions", 2),
    "TRANSPOSE": ("TransposeOptions", 2),
    "TRANSPOSE_CONV": ("TransposeConvOptions", 3),
}
"""The ops that subnets use: the class of their options, and the op version that supports int8."""
ALIGNMENT = 16
"""Bytes. A microcontroller reads constants in place, so they have to be aligned."""


@dataclass(frozen=True)
class Quantization:
    """Say how TFLite reads an int8 tensor: `real = (q - zero) * scale`."""

    scale: float
    zero: int


@dataclass(frozen=True)
class Value:
    """Refer to a tensor of the graph that is computed, or to its input."""

    index: int
    shape: tuple[int, ...]
    quantization: Quantization


def schema() -> Any:
    """Import tensorflow's classes of the file format. Raises `ModuleNotFoundError` without tensorflow."""
    for variable, off in (("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0")):
        os.environ.setdefault(variable, off)
    return import_module("tensorflow.lite.python.schema_py_generated")


class FlatBufferGraph:
    """Collect tensors, constants and ops in the order they run, and write them as a TFLite file."""

    def __init__(self, description: str) -> None:
        """Start an empty graph. Raises `ModuleNotFoundError` without tensorflow."""
        self._schema = schema()
        self._description = description
        self._tensors: list[Any] = []
        self._buffers = [self._schema.BufferT()]
        self._codes: list[str] = []
        self._ops: list[Any] = []

    def value(
        self, shape: tuple[int, ...], quantization: Quantization, dtype: type[np.integer[Any]] = np.int8
    ) -> Value:
        """Add a tensor that is computed, or the input of the graph; one of int32 has no quantization."""
        parameters = self._parameters(np.array([quantization.scale]), quantization.zero, 0)
        tensor = self._tensor(shape, np.dtype(dtype), parameters if dtype is np.int8 else None)
        return Value(tensor, shape, quantization)

    def type_of(self, dtype: type[np.integer[Any]]) -> int:
        """Return the schema's `TensorType` of a type of numbers."""
        number: int = getattr(self._schema.TensorType, np.dtype(dtype).name.upper())
        return number

    def constant(
        self, data: NDArray[np.integer], scales: NDArray[np.float64] | None = None, axis: int = 0,
        zero: int = 0,
    ) -> int:  # fmt: skip
        """Add a constant tensor and return its index.

        Args:
            data: int8 or int32, of any shape.
            scales: A scale for each index along `axis`, for weights and biases.
            axis: The axis of the output units.
            zero: The zero point of all.
        """
        self._buffers.append(self._buffer(data.astype(data.dtype.newbyteorder("<")).tobytes()))
        parameters = None if scales is None else self._parameters(scales, zero, axis)
        return self._tensor(data.shape, data.dtype, parameters, len(self._buffers) - 1)

    def op(
        self, name: str, inputs: Sequence[int], shape: tuple[int, ...], quantization: Quantization,
        dtype: type[np.integer[Any]] = np.int8, **options: object,
    ) -> Value:  # fmt: skip
        """Add an op and return its output.

        Args:
            name: A key of `OPS`.
            inputs: Indices of the tensors that the op reads.
            shape: Shape of the output.
            quantization: Quantization of the output.
            dtype: Type of the output.
            options: Fields of the op's options in the schema.
        """
        kind, _ = OPS[name]
        output = self.value(shape, quantization, dtype)
        op = self._schema.OperatorT()
        if name not in self._codes:
            self._codes.append(name)
        op.opcodeIndex = self._codes.index(name)
        op.inputs, op.outputs = np.array(inputs, np.int32), np.array([output.index], np.int32)
        op.builtinOptionsType = getattr(self._schema.BuiltinOptions, kind)
        op.builtinOptions = getattr(self._schema, f"{kind}T")()
        vars(op.builtinOptions).update(options)
        self._ops.append(op)
        return output

    def dumps(self, first: Value, last: Value) -> bytes:
        """Return the bytes of the file; `first` is the input of the graph, `last` its output."""
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
            """Align the data as the schema asks, which tensorflow's Python classes leave out."""

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

    def _tensor(self, shape: tuple[int, ...], dtype: np.dtype[Any], parameters: Any, buffer: int = 0) -> int:
        tensor = self._schema.TensorT()
        tensor.shape, tensor.hasRank, tensor.buffer = np.array(shape, np.int32), True, buffer
        tensor.type = getattr(self._schema.TensorType, dtype.name.upper())
        tensor.name, tensor.quantization = f"tensor{len(self._tensors)}", parameters
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _parameters(self, scales: NDArray[np.float64], zero: int, axis: int) -> Any:
        """Return quantization parameters of the schema, with one zero point for all scales."""
        found = self._schema.QuantizationParametersT()
        found.scale, found.zeroPoint = scales.astype(np.float32), np.full(len(scales), zero, np.int64)
        found.quantizedDimension = axis
        return found
