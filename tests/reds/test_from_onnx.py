"""An ONNX file becomes an elastic net that computes the same, or is refused by the name of a node."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from reds.elastic.from_module import SoftmaxLeftOutWarning
from reds.elastic.from_onnx import from_onnx
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet
from reds.errors import NotElasticError
from tests.reds.support.modern_modules import ACTIVATIONS, ATTENTION, CONVOLUTIONS, JOINS, NORMS
from tests.reds.support.modules import Residual, flat, stirred
from tests.reds.support.onnx_files import exported, made, node
from tests.reds.support.torch_states import STATES

RNG = np.random.default_rng(0)


def same_as(net: ElasticNet, module: nn.Module, *shape: int) -> None:
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(net(units_last(x), 0), module.eval()(x), atol=1e-4, rtol=1e-4)


def weights(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 18, 20])
def test_a_file_of_torch_becomes_the_same_net(tmp_path: Path, opset: int) -> None:
    module = stirred(Residual())
    net = from_onnx(exported(module, (3, 16, 12), tmp_path / "a.onnx", opset))
    same_as(net, module, 3, 16, 12)
    kept = exported(
        module, (3, 16, 12), tmp_path / "b.onnx", opset, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE, dynamic_axes={"x": {0: "n"}},
    )  # fmt: skip
    same_as(from_onnx(kept), module, 3, 16, 12)


def test_a_file_of_a_batch_of_several_examples_becomes_the_same_net(tmp_path: Path) -> None:
    module = stirred(Residual())
    same_as(from_onnx(exported(module, (3, 16, 12), tmp_path / "a.onnx", batch=4)), module, 3, 16, 12)


def test_layers_have_the_names_of_nodes(tmp_path: Path) -> None:
    net = from_onnx(exported(stirred(Residual()), (3, 16, 12), tmp_path / "a.onnx"))
    names = {layer.name.split()[0] for layer in net.graph.layers}
    assert {"depthwise_Conv", "pointwise_Conv", "hidden_Gemm"} <= names


class Ends(nn.Module):
    """A flat net with ceilings, and a softmax at its end."""

    softmax = True

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.last(torch.clamp(self.hidden(x), 0, 4))
        return logits.softmax(1) if self.softmax else logits


def test_a_softmax_at_the_end_is_left_out(tmp_path: Path) -> None:
    module = Ends()
    with pytest.warns(SoftmaxLeftOutWarning, match="output ends in a softmax"):
        net = from_onnx(exported(module, (6,), tmp_path / "a.onnx"))
    module.softmax = False
    same_as(net, module, 6)


CONV = {"w": weights(5, 3, 3, 3), "d": weights(5, 4)}
HEAD = [node("GlobalAveragePool", "c", "p"), node("Flatten", "p", "f"), node("MatMul", "f d", "y")]


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padding_that_differs_by_side_is_kept(tmp_path: Path, auto_pad: str, stride: int) -> None:
    conv = node("Conv", "x w", "c", auto_pad=auto_pad, strides=[stride, stride], kernel_shape=[3, 3])
    path = made(tmp_path / "a.onnx", [conv, *HEAD], (3, 8, 7), CONV)
    same_as_reference(path, 3, 8, 7)


def same_as_reference(path: Path, *shape: int) -> None:
    x = RNG.standard_normal((1, *shape)).astype(np.float32)
    (expected,) = ReferenceEvaluator(onnx.load(path)).run(None, {"x": x})
    with torch.no_grad():
        found = from_onnx(path)(units_last(torch.from_numpy(x)), 0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4, rtol=1e-4)


def test_a_bias_that_is_added_moves_into_its_layer(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "c0"), node("Add", "c0 b", "c"), *HEAD[:2],
        node("MatMul", "f d", "m"), node("Add", "e m", "y"),
    ]  # fmt: skip
    more = {"b": weights(1, 5, 1, 1), "e": weights(4)}
    same_as_reference(made(tmp_path / "a.onnx", nodes, (3, 8, 7), CONV | more), 3, 8, 7)


def test_units_last_as_keras_has_them_give_the_same_net(tmp_path: Path) -> None:
    """The file flattens rows, columns and units; the dense layer is sorted anew."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "c0", pads=[1, 1, 1, 1]),
        node("Transpose", "c0", "c1", perm=[0, 2, 3, 1]), node("Sub", "c1 m", "c2"),
        node("Mul", "c2 s", "c3"),
        node("Add", "a c3", "c4"), node("Relu", "c4", "c5"), node("Reshape", "c5 r", "f"),
        node("Relu", "f", "g"), node("MatMul", "g k", "y0"), node("Div", "y0 v", "y"),
    ]  # fmt: skip
    more = {
        "w": weights(5, 3, 3, 3), "m": weights(5), "s": weights(1, 1, 1, 5), "a": weights(1, 1, 5),
        "k": weights(280, 4), "v": weights(4) + 3, "r": np.array([-1, 280]),
    }  # fmt: skip
    path = made(tmp_path / "a.onnx", nodes, (8, 7, 3), more)
    x = RNG.standard_normal((1, 8, 7, 3)).astype(np.float32)
    (expected,) = ReferenceEvaluator(onnx.load(path)).run(None, {"x": x})
    net = from_onnx(path)
    assert [layer.kind.name for layer in net.graph.layers] == ["CONV", "FLATTEN", "DENSE"]
    with torch.no_grad():
        np.testing.assert_allclose(net(torch.from_numpy(x), 0).numpy(), expected, atol=1e-4, rtol=1e-4)


def test_an_open_shape_is_given_by_the_caller(tmp_path: Path) -> None:
    path = made(tmp_path / "a.onnx", [node("Conv", "x w", "c"), *HEAD], (3, "rows", "columns"), CONV)
    with pytest.raises(NotElasticError, match=r"^a\.onnx: input x has shape \[N, 3, \?, \?\].*input_shape="):
        from_onnx(path)
    assert from_onnx(path, (3, 9, 9)).graph.layers[0].kernel == (3, 3)
    with pytest.raises(NotElasticError, match=r"\[N, 3, \?, \?\], input_shape is \[1, 9, 9\]"):
        from_onnx(path, (1, 9, 9))


@pytest.mark.parametrize("shape", [5, (3, 9.0, 9), (3, 0, 9), (3, -1, 9), "3x9x9", (3, "9", "9")])
def test_a_shape_of_other_than_whole_numbers_is_refused(tmp_path: Path, shape: Any) -> None:
    path = made(tmp_path / "a.onnx", [node("Conv", "x w", "c"), *HEAD], (3, "rows", "columns"), CONV)
    with pytest.raises(NotElasticError, match=r"^a\.onnx: input_shape is .* whole numbers, as \(3, 32, 32\)"):
        from_onnx(path, shape)


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_torch_changes_no_net(
    tmp_path: Path, state: Callable[[], AbstractContextManager[Any]]
) -> None:
    path = made(tmp_path / "a.onnx", [node("Conv", "x w", "c"), *HEAD], (3, 9, 9), CONV)
    expected = from_onnx(path).state_dict()
    with state():
        found = from_onnx(path).state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(NotElasticError, match=sentence) as caught:
        from_onnx(path)
    assert "\n" not in str(caught.value)


MODERN = {
    "gelu spelled": ACTIVATIONS, "hardswish spelled": ACTIVATIONS, "prelu per channel": ACTIVATIONS,
    "transposed": CONVOLUTIONS, "interpolate": CONVOLUTIONS, "causal": CONVOLUTIONS, "ceil": CONVOLUTIONS,
    "padded pools": CONVOLUTIONS, "layer norm and linear": NORMS, "layer scale": NORMS, "concat": JOINS,
    "squeeze-excite by linear layers": JOINS, "split convolution": JOINS, "two heads": JOINS,
    "function": ATTENTION, "encoders with norms first": ATTENTION, "a vision transformer": ATTENTION,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*legacy:DeprecationWarning")
@pytest.mark.parametrize("name", MODERN)
def test_an_operation_of_today_computes_the_same(tmp_path: Path, name: str) -> None:
    make, shape = MODERN[name][name]
    torch.manual_seed(0)
    module = stirred(make()).eval()
    net, x = from_onnx(exported(module, shape, tmp_path / "a.onnx")), torch.randn(2, *shape)
    with torch.no_grad():
        torch.testing.assert_close(net(units_last(x), 0), flat(module(x)), atol=1e-4, rtol=1e-4)


SAME = {"auto_pad": "SAME_UPPER", "kernel_shape": [3, 3], "strides": [2, 2]}
ONE_BY_ONE = {
    "a constant for each position": [node("Conv", "x w", "c0"), node("Add", "c0 q", "c"), *HEAD],
    "a layer that is read before its constant": [
        node("Conv", "x w", "c0"), node("Add", "c0 b", "c1"), node("Add", "c0 c1", "c"), *HEAD
    ],
    "a constant before a layer": [node("Mul", "x s", "r"), node("Conv", "r w", "c"), *HEAD],
    "a pool that pads its end": [node("Conv", "x w", "c0"), node("MaxPool", "c0", "c", **SAME), *HEAD],
    "a transposed convolution that pads its end": [
        node("Conv", "x w", "c0"), node("ConvTranspose", "c0 t", "c", **SAME), *HEAD
    ],
    "a hard sigmoid of another slope": [node("Conv", "x w", "c0"), node("HardSigmoid", "c0", "c"), *HEAD],
    "selu": [node("Conv", "x w", "c0"), node("Selu", "c0", "c"), *HEAD],
    "slopes of units last": [
        node("Conv", "x w", "c0"), node("Transpose", "c0", "c1", perm=[0, 2, 3, 1]),
        node("PRelu", "c1 slopes", "c2"),
        node("Transpose", "c2", "c", perm=[0, 3, 1, 2]), *HEAD,
    ],
    "a sum of three": [node("Conv", "x w", "c0"), node("Sum", "c0 c0 c0", "c"), *HEAD],
    "a split": [
        node("Conv", "x w", "c0"),
        helper.make_node("Split", ["c0", "two"], ["c1", "c2"], axis=1, name="split"),
        node("Concat", "c2 c1", "c", axis=1), *HEAD,
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_operators_of_other_exporters_compute_the_same(tmp_path: Path, name: str) -> None:
    more = {
        "q": weights(1, 5, 6, 5), "b": weights(1, 5, 1, 1), "s": weights(1, 3, 1, 1),
        "t": weights(5, 5, 3, 3),
        "slopes": weights(5), "two": np.array([2, 3]),
    }  # fmt: skip
    same_as_reference(made(tmp_path / "a.onnx", ONE_BY_ONE[name], (3, 8, 7), CONV | more), 3, 8, 7)


def test_a_series_with_units_last_gives_the_same_net(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", "x", "t", perm=[0, 2, 1]), node("Conv", "t o", "c"),
        node("Transpose", "c", "l", perm=[0, 2, 1]),
        node("Relu", "l", "r"), node("ReduceMean", "r axis", "y", keepdims=0),
    ]  # fmt: skip
    path = made(tmp_path / "a.onnx", nodes, (8, 3), {"o": weights(5, 3, 3), "axis": np.array([1])})
    x = RNG.standard_normal((1, 8, 3)).astype(np.float32)
    (expected,) = ReferenceEvaluator(onnx.load(path)).run(None, {"x": x})
    net = from_onnx(path)
    assert [layer.kind.name for layer in net.graph.layers] == ["CONV", "AVERAGE_POOL"]
    with torch.no_grad():
        np.testing.assert_allclose(net(torch.from_numpy(x), 0).numpy(), expected, atol=1e-4, rtol=1e-4)


REFUSED = {
    "an unknown operator": ([node("Acos", "x", "y")], (6,), r"^a\.onnx: y \(Acos\) is no layer"),
    "a recurrent layer": ([node("GRU", "x v v", "y")], (3, 8), r"^a\.onnx: y \(GRU\) is a recurrent layer"),
    "a transpose": (
        [node("Conv", "x w", "c"), node("Transpose", "c", "y", perm=[0, 2, 1, 3])], (3, 8, 7),
        r"^a\.onnx: output has axes \[1, 6, 5, 5\]",
    ),
    "a function of no activation": (
        [node("Conv", "x w", "c"), node("Exp", "c", "y")], (3, 8, 7),
        r"^a\.onnx: y \(Exp\) computes a function",
    ),
    "a dilated pool": (
        [node("MaxPool", "x", "y", kernel_shape=[3, 3], dilations=[2, 2])], (3, 8, 7), r"^a\.onnx: y .*dilat",
    ),
    "a pool that does not count its padding": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], (3, 8, 7), "does not count",
    ),
    "three spatial axes": ([node("Conv", "x v", "y")], (3, 8, 7, 2), r"y \(Conv\) has 3 spatial axes"),
    "computed weights": ([node("Conv", "x x", "y")], (3, 8, 7), r"y \(Conv\) has a computed input"),
    "places by number": ([node("Gather", "x two", "y", axis=1)], (3, 8, 7), r"y \(Gather\) gathers several"),
    "bilinear scaling": (
        [node("Conv", "x w", "c"), node("Resize", "c none scales", "y", mode="linear")], (3, 8, 7),
        "interpolates",
    ),
    "another custom domain": (
        [node("Relu", "x", "y", domain="mine")], (6,), r"no ONNX file that can be read|y \(Relu\)",
    ),
    "a dropout that drops at inference": (
        [node("Conv", "x w", "c0"), node("Dropout", "c0 half on", "c"), *HEAD], (3, 8, 7),
        r"^a\.onnx: the net computes something else",
    ),
    "no weights": ([node("Relu", "x", "y")], (6,), r"^a\.onnx: it has no convolution"),
    "an output of constants": (
        [node("Relu", "x", "z"), node("Relu", "v", "y")], (6,), r"^a\.onnx: y does not depend on the input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_elastic_net_is_refused_by_name(tmp_path: Path, name: str) -> None:
    nodes, shape, sentence = REFUSED[name]
    more = CONV | {"v": weights(6, 3, 3), "two": np.array([0, 2]), "none": np.zeros(0, np.float32)}
    more |= {
        "half": np.array(0.5, np.float32),
        "on": np.array(True),
        "scales": np.array([1, 1, 2, 2], np.float32),
    }
    refused(made(tmp_path / "a.onnx", nodes, shape, more), sentence)


@pytest.mark.parametrize("content", [b"", b"no protobuf", b"\x08\x07\x12\x07pytorch"])
def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    refused(tmp_path / "a.onnx", r"^a\.onnx: ")


def test_a_missing_file_and_missing_weights_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.onnx", r"^none\.onnx: is no ONNX file that can be read")
    path = exported(nn.Sequential(nn.Linear(600, 8)), (600,), tmp_path / "a.onnx")
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="a.data")
    (tmp_path / "a.data").unlink()
    refused(path, r"^a\.onnx: is no ONNX file that can be read.*in one file")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [
        node("Conv", "x w", "c0", pads=[1, 1, 1, 1], kernel_shape=[3, 3]), node("Relu", "c0", "r"),
        node("MaxPool", "r", "c", kernel_shape=[2, 2], strides=[2, 2]), *HEAD,
    ]  # fmt: skip
    return made(tmp_path_factory.mktemp("onnx") / "a.onnx", nodes, (3, 8, 7), CONV)


@given(st.integers(0, 2**16), st.integers(1, 255), st.integers(0, 8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_gives_a_net_or_one_line(whole: Path, at: int, flip: int, cut: int) -> None:
    data = bytearray(whole.read_bytes())
    data[at % len(data)] ^= flip
    damaged = whole.with_name("b.onnx")
    damaged.write_bytes(data[: len(data) - 40 * cut * (cut > 5)])
    said = ""
    try:
        from_onnx(damaged)
    except NotElasticError as error:
        said = str(error)
    assert "\n" not in said
