"""Exported subnets in TFLite's own interpreter, against the reference."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reds import pack
from reds.data.labeled import find_labeled
from reds.errors import ModelError, PackError
from reds.export import tflite
from reds.export.tflite.flatbuffer import ALIGNMENT, schema
from reds.export.tflite.layers import REFUSED
from reds.export.tflite.quantization import can_rescale
from reds.fixtures import fixtures_dir
from reds.pack import extract, interpreter
from reds.pack.model import LIMIT, Kind, Model
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights
from tests.reds.support.clipped import quantized
from tests.reds.support.command import run
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import Maker, dense_model, inputs, random_model

if find_spec("tensorflow") is None:  # importing it takes seconds and 300 MB of every worker that collects
    pytest.skip("needs tensorflow", allow_module_level=True)
litert = pytest.importorskip("ai_edge_litert.interpreter")

NETS = ["dnn-s", "cnn-s", "ds-cnn-s", "mobilenet-0.25", "resnet8"]
SHIPPED = fixtures_dir() / "kws-dnn-s.reds"
XNNPACK = litert.OpResolverType.AUTO
BUILT_IN = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def interpret(content: bytes, x: NDArray[np.int8], kernels: Any = XNNPACK) -> NDArray[np.int8]:
    """Outputs int8 [N, output_size] of a .tflite file for x int8 [N, input_size]."""
    net = litert.Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kernels)
    net.allocate_tensors()
    (first,), (last,), y = net.get_input_details(), net.get_output_details(), []
    for one in x:
        net.set_tensor(first["index"], one.reshape(first["shape"]))
        net.invoke()
        y.append(net.get_tensor(last["index"]).ravel())
    return np.array(y)


def steps_off(model: Model, subnet: int, n: int, kernels: Any = XNNPACK) -> NDArray[np.int64]:
    """Return the distance of TFLite's outputs for random inputs from the reference's: [n, output_size]."""
    x = inputs(model, n)
    y = interpret(tflite.dumps(model, subnet), x, kernels)
    return np.abs(y.astype(np.int64) - interpreter.run(model, subnet, x))


@pytest.fixture
def _down_to_minus_128(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference, but what no ReLU follows stops where TFLite stops it."""

    def requantize(acc: interpreter.Sums, multiplier: NDArray[np.int32], zero: int) -> interpreter.Values:
        y = zero + ((acc * multiplier.astype(np.int64) + (1 << 31)) >> 32)
        return y.clip(-LIMIT - (zero != -LIMIT), LIMIT).astype(np.int8)

    monkeypatch.setattr(interpreter, "requantize", requantize)


def read(content: bytes) -> Any:
    """The file as tensorflow's own classes read it."""
    return schema().ModelT.InitFromObj(schema().Model.GetRootAs(content, 0))


def ops(content: bytes) -> list[int]:
    file = read(content)
    return [file.operatorCodes[op.opcodeIndex].builtinCode for op in file.subgraphs[0].operators]


@pytest.mark.parametrize("kernels", [XNNPACK, BUILT_IN], ids=["xnnpack", "built-in"])
@pytest.mark.parametrize("label", ["25%", "50%", "75%", "100%"])
def test_the_shipped_pack_classifies_the_same_words(label: str, kernels: Any) -> None:
    model = pack.load(SHIPPED)
    subnet = model.subnet(label)
    x = find_labeled(json.loads(SHIPPED.with_suffix(".json").read_text()), SHIPPED.parent)[0][:1000]
    assert len(x) == 1000
    y, wanted = interpret(tflite.dumps(model, subnet), x, kernels), interpreter.run(model, subnet, x)
    assert (y.argmax(1) == wanted.argmax(1)).mean() >= 0.99
    assert np.abs(y.astype(int) - wanted).max() <= 2


@pytest.mark.usefixtures("_down_to_minus_128")
@pytest.mark.parametrize("seed", range(150))
def test_every_kind_of_layer_is_at_most_two_steps_off(seed: int) -> None:
    model = random_model(seed)
    for subnet in range(len(model.subnets)):
        assert steps_off(model, subnet, 20).max() <= 2


def test_a_relu_with_a_ceiling_is_exported() -> None:
    model, _, _, x, _ = quantized(0)
    for subnet in range(3):
        y, wanted = interpret(tflite.dumps(model, subnet), x), interpreter.run(model, subnet, x)
        assert np.abs(y.astype(int) - wanted).max() <= 2
        assert (y.argmax(1) == wanted.argmax(1)).mean() >= 0.95


@pytest.mark.parametrize("seed", range(8))
def test_layers_that_a_subnet_leaves_out_are_not_in_its_file(seed: int) -> None:
    model, _ = deep_nets([seed])
    x = inputs(model, 8)
    for s, subnet in enumerate(model.subnets):
        y = interpret(tflite.dumps(model, s), x)
        assert np.abs(y.astype(int) - interpreter.run(model, s, x)).max() <= 2 * len(subnet.steps)


def one_layer(model: Model, index: int) -> Model:
    """A layer of a model with one subnet, which reads one tensor, as a net of its own."""
    layer, (subnet,) = model.layers[index], model.subnets
    (source,) = set(layer.inputs)
    return replace(
        model,
        tensors=(model.tensors[source], model.tensors[layer.output]),
        layers=(replace(layer, inputs=(0,) * len(layer.inputs), output=1),),
        subnets=(replace(subnet, steps=(replace(subnet.steps[index], layer=0),)),),
        input_zero=model.rooms(0)[source].zero,
    )


def sigmoid(model: Model) -> Model:
    """The model of one subnet with tables in which a step of the input is a step of the output."""
    table = np.rint(100 / (1 + np.exp(-np.arange(-128, 128) / 30)) - 50).astype(np.int8)
    (subnet,) = model.subnets
    steps = [
        step if step.activation is None else replace(step, activation=replace(step.activation, table=table))
        for step in subnet.steps
    ]
    return replace(model, subnets=(replace(subnet, steps=tuple(steps)),))


@pytest.mark.usefixtures("_down_to_minus_128")
@pytest.mark.parametrize("kernels", [XNNPACK, BUILT_IN], ids=["xnnpack", "built-in"])
def test_each_modern_layer_is_at_most_a_step_off_or_refused_by_name(kernels: Any) -> None:
    exported, refused = set[Kind](), set[Kind]()
    for model in modern_nets(range(40), subnets=1):
        values = interpreter.trace(model, 0, inputs(model, 3))
        for index, layer in enumerate(model.layers):
            if len(set(layer.inputs)) > 1:
                continue
            net = sigmoid(one_layer(model, index))
            x = np.maximum(values[layer.inputs[0]], -LIMIT).reshape(3, -1)
            if layer.kind in REFUSED:
                with pytest.raises(
                    ModelError, match=rf"layer 0 \({layer.kind.name.lower()}\): .*the pack itself"
                ):
                    tflite.dumps(net, 0)
                refused.add(layer.kind)
            else:
                y = interpret(tflite.dumps(net, 0), x, kernels)
                assert np.abs(y.astype(int) - interpreter.run(net, 0, x)).max() <= 1, (model.name, layer.kind)
                exported.add(layer.kind)
    assert refused == set(REFUSED)
    assert exported | refused == set(Kind)


def squeezed(kind: Kind) -> Maker:
    maker = Maker(5, 4, 6, 8)
    maker.add(Kind.MAX_POOL, kernel=(5, 4))
    maker.add(kind, inputs=(0, 1))
    return maker


def joined() -> Maker:
    maker = Maker(4, 6, 5)
    maker.add(Kind.MAX_POOL, kernel=(2, 2), stride=(2, 2))
    maker.add(Kind.UPSAMPLE, stride=(2, 2))
    maker.add(Kind.CONCAT, inputs=(2, 0, 2))
    return maker


@pytest.mark.usefixtures("_down_to_minus_128")
@pytest.mark.parametrize("made", [lambda: squeezed(Kind.ADD), lambda: squeezed(Kind.MULTIPLY), joined])
def test_layers_of_several_inputs_are_at_most_two_steps_off(made: Callable[[], Maker]) -> None:
    for zero in (-20, 0, 83):
        model = made().build([[]], zero=zero)
        for kernels in (XNNPACK, BUILT_IN):
            assert steps_off(model, 0, 20, kernels).max() <= 2


def test_subnet_of_a_net_with_a_concatenation_is_exported_in_its_own_order() -> None:
    maker = Maker(4, 4, 3)
    first = maker.add(Kind.CONV, 6, (3, 3), relu=True)
    maker.add(Kind.CONV, 4, (1, 1), inputs=(first,))
    maker.add(Kind.CONCAT, inputs=(first, 2))
    maker.add(Kind.CONV, 5)
    model = maker.build([[2, 2, 5], [4, 4, 5], [6, 4, 5]])
    for subnet in range(3):
        assert steps_off(model, subnet, 40).max() <= 4


@pytest.mark.usefixtures("_down_to_minus_128")
@pytest.mark.parametrize("name", NETS)
def test_each_layer_is_at_most_a_step_off(name: str) -> None:
    model = extract.extract_subnet(with_random_weights(name, by_name(name)), 1)
    values = interpreter.trace(model, 0, inputs(model, 4))
    for index, layer in enumerate(model.layers):
        if layer.kind is not Kind.ADD:
            x = np.maximum(values[layer.inputs[0]], -LIMIT).reshape(4, -1)
            net = one_layer(model, index)
            off = interpret(tflite.dumps(net, 0), x).astype(int) - interpreter.run(net, 0, x)
            assert np.abs(off).max() <= 1
            assert layer.kind is Kind.AVERAGE_POOL or (off != 0).mean() < 0.001


@pytest.mark.parametrize("name", NETS)
def test_untrained_nets_choose_the_same_class(name: str) -> None:
    """Random weights magnify a step from layer to layer, and their outputs lie close together."""
    model = with_random_weights(name, by_name(name))
    x = inputs(model, 40)
    for subnet in (0, 3):
        y, wanted = interpret(tflite.dumps(model, subnet), x), interpreter.run(model, subnet, x)
        assert (y.argmax(1) == wanted.argmax(1)).mean() >= 0.9


@pytest.mark.parametrize("seed", range(4))
def test_each_layer_is_one_op(seed: int) -> None:
    """None of the copies, paddings and transpositions that some made-up nets need."""
    model = with_random_weights("resnet8", by_name("resnet8"), seed=seed)
    for subnet in range(len(model.subnets)):
        assert len(ops(tflite.dumps(model, subnet))) == len(model.layers)
    assert can_rescale(extract.extract_subnet(model, 3), model.layers[3].inputs[1])


def added_to_itself() -> Maker:
    maker = Maker(4, 4, 3)
    maker.add(Kind.ADD, other=maker.add(Kind.CONV, 5))
    return maker


def mean_then_padding() -> Maker:
    maker = Maker(4, 3, 6)
    maker.add(Kind.AVERAGE_POOL, kernel=(4, 3))
    maker.add(Kind.CONV, 4, (3, 3), padding=(1, 1, 1, 1))
    return maker


def dense_then_conv() -> Maker:
    maker = Maker(1, 1, 9)
    maker.add(Kind.DENSE, 8, relu=True)
    maker.add(Kind.CONV, 7)
    return maker


def ranks_differ() -> Maker:
    maker = Maker(1, 1, 6)
    kept = maker.add(Kind.CONV, 6)
    maker.add(Kind.FLATTEN)
    maker.add(Kind.ADD, other=kept)
    return maker


def average_with_relu() -> Maker:
    maker = Maker(4, 4, 6)
    maker.add(Kind.AVERAGE_POOL, kernel=(4, 4), relu=True)
    return maker


def uneven_padding() -> Maker:
    maker = Maker(6, 5, 3)
    maker.add(Kind.DEPTHWISE, 0, (3, 3), (2, 1), (2, 0, 1, 2))
    return maker


@pytest.mark.usefixtures("_down_to_minus_128")
@pytest.mark.parametrize(
    "made",
    [added_to_itself, mean_then_padding, dense_then_conv, ranks_differ, average_with_relu, uneven_padding],
)
def test_layers_without_a_tflite_op_are_composed_of_others(made: Callable[[], Maker]) -> None:
    maker = made()
    mixing = [maker.tensors[x.output].units for x in maker.layers if x.kind in (Kind.DENSE, Kind.CONV)]
    model = maker.build([mixing])
    for kernels in (XNNPACK, BUILT_IN):
        assert steps_off(model, 0, 50, kernels).max() <= 2


@pytest.mark.usefixtures("_down_to_minus_128")
@pytest.mark.parametrize(
    "factors", [(900, 1100), (-900, 1100), (900, -1100), (-900, -1100), (3, 1100), (0, 900)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_additions_of_any_factors(factors: tuple[int, int], sign: int) -> None:
    maker = added_to_itself()
    model = maker.build([[5]])
    (subnet,) = model.subnets
    step = subnet.steps[-1]
    changed = replace(step, factors=factors, multiplier=step.multiplier * sign)
    model = replace(model, subnets=(replace(subnet, steps=(*subnet.steps[:-1], changed)),))
    assert steps_off(model, 0, 50).max() <= 2


def test_weights_and_scales_are_the_packs() -> None:
    model = pack.load(SHIPPED)
    file = read(tflite.dumps(model, 0))
    part = file.subgraphs[0]
    first, last = (part.tensors[int(at)] for at in (part.inputs[0], part.outputs[0]))
    assert (first.name, first.shape.tolist()) == (b"input", [1, 250])
    assert first.quantization.scale == np.float32(model.input_scale)
    assert first.quantization.zeroPoint == model.input_zero
    assert last.quantization.scale == np.float32(model.subnets[0].output_scale)
    for op, layer, step in zip(part.operators, model.layers, model.subnets[0].steps, strict=True):
        weights = part.tensors[int(op.inputs[1])]
        live = layer.subnet_weights(step) * np.sign(step.multiplier)[:, None]
        held = file.buffers[weights.buffer].data.view(np.int8).reshape(weights.shape)
        assert np.array_equal(held, live)
    inner = part.tensors[int(part.operators[1].inputs[1])].quantization
    assert np.array_equal(inner.scale * 2**32, np.abs(model.subnets[0].steps[1].multiplier))


def test_constants_are_aligned() -> None:
    content = tflite.dumps(dense_model([5, 3], [[3]]), 0)
    file = schema().Model.GetRootAs(content, 0)
    buffers = [file.Buffers(i) for i in range(1, file.BuffersLength())]
    assert len(buffers) == 2
    for buffer in buffers:
        assert content.find(buffer.DataAsNumpy().tobytes()) % ALIGNMENT == 0


def test_the_command_writes_a_file_for_each_subnet(tmp_path: Path) -> None:
    status, output = run("export", SHIPPED, "--tflite", "--out", tmp_path / "out")
    assert status == 0, output
    names = [f"kws-dnn-s-{label}.tflite" for label in (25, 50, 75, 100)]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(names)
    sizes = [(tmp_path / "out" / name).stat().st_size for name in names]
    assert output.splitlines() == [
        f"{tmp_path / 'out' / name}: {size:,} bytes" for name, size in zip(names, sizes, strict=True)
    ]
    assert (tmp_path / "out" / names[0]).read_bytes() == tflite.dumps(pack.load(SHIPPED), 0)


def test_the_command_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "bad.reds"
    bad.write_bytes(SHIPPED.read_bytes()[:-1])
    status, output = run("export", bad, "--tflite", "--out", tmp_path / "out")
    assert status == 1
    assert output.startswith(f"Error: {bad}: ")
    assert output.count("\n") == 1
    status, output = run("export", SHIPPED, "--out", tmp_path / "out")
    assert status == 2
    assert "--tflite" in output
    assert not (tmp_path / "out").exists()


def test_labels_become_names_or_the_pack_is_refused(tmp_path: Path) -> None:
    model = dense_model([4, 2], [[1], [2]])
    for labels, said in ((("../a", "b c"), None), (("a/b", "a_b"), "a/b, a_b")):
        named = [replace(s, name=name) for s, name in zip(model.subnets, labels, strict=True)]
        pack.save(replace(model, subnets=tuple(named)), tmp_path / "net.reds")
        if said:
            with pytest.raises(PackError, match=said):
                tflite.export(tmp_path / "net.reds", tmp_path)
        else:
            written = tflite.export(tmp_path / "net.reds", tmp_path)
            assert [file.name for file in written] == ["net-.._a.tflite", "net-b_c.tflite"]


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_tflite_cannot_hold_is_refused(scale: float) -> None:
    with pytest.raises(ModelError, match="TFLite"):
        tflite.dumps(replace(dense_model([4, 2], [[2]]), input_scale=scale), 0)


def test_without_tensorflow_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "import reds.export.tflite\n"
        "from reds.cli import main\n"
        "main(sys.argv[1:])"
    )
    line = [sys.executable, "-c", code, "export", str(SHIPPED), "--tflite"]
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: tensorflow")
    assert "pip install 'reds-hil[tflite]'" in ran.stderr
