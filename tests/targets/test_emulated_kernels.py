"""The Cortex-M4's kernels on the emulated board: the reference's bits in both layouts, whatever the shape."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pytest

from hil.emulators import cortex_m4
from hil.errors import AgentError
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.transports.deadline import Deadline
from hil.transports.serial import SerialTransport
from reds import pack, reference
from reds.layouts import LAYOUTS, Layout
from reds.model import WEIGHTED, Kind, Model
from tests.nets import Maker, dense_model, dnn_s, inputs, random_model


@pytest.fixture(scope="module")
def nano() -> Iterator[tuple[Agent, Hello]]:
    with cortex_m4.start(build.agent(build.EMULATED)) as emulator:
        agent = Agent(SerialTransport(emulator.port), "emulated nano33ble")
        try:
            yield agent, agent.hello(Deadline.after(10))
        finally:
            agent.close()


def shapes() -> list[Model]:
    """Widths that are and are not multiples of four, from one unit up; narrow subnets of wide layers."""
    rng = np.random.default_rng(7)
    models = [dnn_s()]
    for seed in range(12):
        widths = [int(w) for w in rng.integers(1, 70, rng.integers(2, 5))]
        nested = [[max(1, w * part // 3) for w in widths[1:]] for part in (1, 2, 3)]
        models.append(dense_model(widths, nested, seed, f"random-{seed}", extreme=seed % 3 == 0))
    # Rows over and under the bound of radix 256 side by side, in one subnet and not in the other.
    wide = dense_model([700, 12, 6], [[4, 6], [12, 6]], 99, "plain-rows", extreme=True)
    wide.layers[0].weights[4:8] //= 3
    every_kind = [random_model(seed, subnets=3) for seed in range(60)]
    return [*models, wide, *every_kind, plain_conv(), large_biases()]


def plain_conv() -> Model:
    """A convolution of 9 x 80 inputs with all weights at their limits but some rows'."""
    maker = Maker(5, 5, 80, 98, extreme=True)
    maker.add(Kind.CONV, 11, (3, 3), (2, 1), (1, 1, 1, 1))
    maker.layers[0].weights[4:8] //= 3
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 5)
    return maker.build([[4, 5], [11, 5]], "plain-conv")


def large_biases() -> Model:
    """Every kind of row with biases past what the fast kernels take, and none is plain for its weights."""
    maker = Maker(5, 5, 8, 3)
    maker.add(Kind.CONV, 7, (3, 3), (1, 1), (1, 1, 1, 1))
    maker.add(Kind.DEPTHWISE, 0, (3, 3), (1, 1), (1, 1, 1, 1))
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 5)
    model = maker.build([[4, 5], [7, 5]], "large-biases")
    for subnet in model.subnets:
        for layer, step in zip(model.layers, subnet.steps, strict=True):
            if layer.kind in WEIGHTED:
                step.bias[:] = np.linspace(-32_767, 32_767, len(step.bias)).astype(np.int32) << 9
                step.multiplier[:] = 2**21
    return model


def cases() -> list[tuple[Model, Layout]]:
    """Each model in each layout of the board's whose kernels run all of it."""
    pairs = [(model, LAYOUTS[i]) for model in shapes() for i in (0, 1)]
    return [(model, layout) for model, layout in pairs if all(layout.runs(x) for x in model.layers)]


@pytest.mark.parametrize(("model", "layout"), cases(), ids=lambda case: case.name)
def test_every_subnet_equals_the_reference(nano: tuple[Agent, Hello], model: Model, layout: Layout) -> None:
    agent, hello = nano
    agent.put_pack(pack.dumps(model, layout), hello.max_payload, lambda _: None)
    x = inputs(model, min(8, 4000 // model.input_size), seed=5)
    agent.inputs(len(x), x.tobytes())
    for subnet in range(len(model.subnets)):
        agent.select(subnet)
        out = agent.infer(len(x) * model.output_size(subnet), 10)
        assert out == reference.run(model, subnet, x).tobytes()


def test_some_rows_really_are_plain() -> None:
    wide = next(model for model in shapes() if model.name == "plain-rows")
    for model in (wide, plain_conv()):
        assert LAYOUTS[1].plain(model.layers[0], model.subnets[1].steps[0]) == b"\x01\x00\x01"
    model = large_biases()
    assert LAYOUTS[1].plain(model.layers[0], model.subnets[1].steps[0]) == b"\x01\x01"


@pytest.mark.parametrize(
    ("at", "code", "value"),
    [
        (16, "I", 1 << 20),  # scratch outside the arena
        (16, "I", 0),  # scratch on top of the input
        (16, "I", 16),  # scratch on top of the output
        (20, "I", 0),  # the table is the header: what it holds is no shift
        (24, "I", 1 << 20),  # plain rows outside the pack
    ],
)
def test_no_field_of_a_device_layout_is_believed(
    nano: tuple[Agent, Hello], at: int, code: str, value: int
) -> None:
    agent, hello = nano
    data = bytearray(pack.dumps(dense_model([8, 4], [[4]]), LAYOUTS[1]))
    step = pack.HEADER.unpack_from(data)[11] + pack.PLAN.size
    struct.pack_into("<" + code, data, step + at, value)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    with pytest.raises(AgentError, match="out of its bounds"):
        agent.put_pack(bytes(data), hello.max_payload, lambda _: None)


@pytest.mark.parametrize(
    ("shifts", "sound"),
    [((8, 9), True), ((16, 16), True), ((7, 9), False), ((17, 9), False), ((23, 9), False), ((8, 8), False),
     ((8, 17), False)],
)  # fmt: skip
def test_only_shifts_that_the_kernels_take_are_accepted(
    nano: tuple[Agent, Hello], shifts: tuple[int, int], sound: bool
) -> None:
    agent, hello = nano
    data = bytearray(pack.dumps(dense_model([8, 4], [[4]]), LAYOUTS[1]))
    step = pack.HEADER.unpack_from(data)[11] + pack.PLAN.size
    table = pack.STEP.unpack_from(data, step)[6]
    data[table : table + 2] = bytes(shifts)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    with nullcontext() if sound else pytest.raises(AgentError, match="out of its bounds"):
        agent.put_pack(bytes(data), hello.max_payload, lambda _: None)
