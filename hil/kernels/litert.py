"""LiteRT as a peer: the same shapes in int8, one thread, XNNPACK on.

Networks are built with keras and quantised on random inputs. An inference is timed around `invoke`, less
what a call that does nothing takes, as ours is timed less the reading of the clock.
"""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.kernels.desktop import Peer, Timer, timed
from reds.chain import Chain, Layer, Widths
from reds.model import Kind

CALIBRATION = 8
LOADS = 21


def litert() -> Peer:
    """Raises `ModuleNotFoundError` without tensorflow, which builds the networks, or ai-edge-litert."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = import_module("tensorflow")
    tensorflow.get_logger().setLevel(logging.ERROR)
    interpreter = import_module("ai_edge_litert.interpreter").Interpreter
    built: dict[tuple[Chain, Widths], bytes] = {}

    def flatbuffer(chain: Chain, widths: Widths) -> bytes:
        if (chain, widths) not in built:
            built[chain, widths] = convert(tensorflow, keras_net(tensorflow.keras, chain, widths))
        return built[chain, widths]

    def load(content: bytes) -> Any:
        net = interpreter(model_content=content, num_threads=1)
        net.allocate_tensors()
        return net

    def timer(chain: Chain, widths: Widths) -> Timer:
        net = load(flatbuffer(chain, widths))
        shape = net.get_input_details()[0]
        x = np.random.default_rng(0).integers(-127, 128, shape["shape"]).astype(np.int8)
        net.set_tensor(shape["index"], x)
        nothing = median(timed(net.reset_all_variables, 1000))
        return lambda n: [us - nothing for us in timed(net.invoke, n)]

    def loading(chain: Chain, widths: Widths) -> float:
        content = flatbuffer(chain, widths)
        return median(timed(lambda: load(content), LOADS))

    return Peer("LiteRT int8", timer, loading)


def keras_net(keras: Any, chain: Chain, widths: Widths) -> Any:
    """The chain at these widths, norms folded, random weights."""
    first = chain.tensors[0]
    values = [keras.Input((first.height, first.width, widths[first.group]))]
    if first.height * first.width == 1:
        values = [keras.Input((widths[first.group],))]
    for layer in chain.layers:
        read = [values[tensor] for tensor in layer.inputs]
        values.append(keras_layer(keras.layers, layer, widths[layer.writes])(*read))
    return keras.Model(values[0], values[-1])


def keras_layer(layers: Any, layer: Layer, units: int) -> Any:
    """What computes one layer, called with the tensors it reads."""
    act = "relu" if layer.relu else None
    window = {"strides": layer.stride, "padding": "same" if layer.same else "valid"}
    match layer.kind:
        case Kind.DENSE:
            return layers.Dense(units, act)
        case Kind.CONV:
            return layers.Conv2D(units, layer.kernel, activation=act, **window)
        case Kind.DEPTHWISE:
            return layers.DepthwiseConv2D(layer.kernel, activation=act, **window)
        case Kind.AVERAGE_POOL:
            return layers.AveragePooling2D(layer.kernel, **window)
        case Kind.MAX_POOL:
            return layers.MaxPooling2D(layer.kernel, **window)
        case Kind.FLATTEN:
            return layers.Flatten()
        case Kind.ADD:
            return lambda a, b: layers.Activation(act)(layers.Add()([a, b]))


def convert(tensorflow: Any, net: Any) -> bytes:
    """The net quantised to int8 throughout, its ranges from random inputs."""
    rng = np.random.default_rng(0)

    def inputs() -> Iterator[list[NDArray[np.float32]]]:
        for _ in range(CALIBRATION):
            yield [rng.normal(size=(1, *net.input_shape[1:])).astype(np.float32)]

    converter = tensorflow.lite.TFLiteConverter.from_keras_model(net)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = inputs
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    with silence():
        content: bytes = converter.convert()
    return content


@contextmanager
def silence() -> Iterator[None]:
    """Nothing on the terminal: the converter prints a page for each net, from C++ too."""
    sys.stdout.flush()
    kept = [os.dup(fd) for fd in (1, 2)]
    with open(os.devnull, "wb") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for fd in (1, 2):
                os.dup2(nowhere.fileno(), fd)
            yield
            sys.stdout.flush()
        finally:
            for fd, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, fd)
                os.close(copy)
