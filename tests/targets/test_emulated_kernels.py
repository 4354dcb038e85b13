"""The Cortex-M4's kernels on the emulated board give the reference's bits in both layouts and all shapes."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from hil.emulators import cortex_m4
from hil.errors import AgentError
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.protocol.definition import LAYER_SAMPLE, Fault
from hil.protocol.hello import FLASH_WORDS, INSTRUCTIONS, Hello
from hil.transports.deadline import Deadline
from hil.transports.serial import HARDWARE_ADVICE
from reds import pack
from reds.pack import interpreter
from reds.pack.format import STEP
from reds.pack.layouts import LAYOUTS, Layout
from reds.pack.model import Kind, Model
from tests.support.depth import without
from tests.support.nets import Maker, dense_model, inputs
from tests.targets.support.fuzz.mutations import seed_of
from tests.targets.support.models import cases, large_biases, plain_conv, shapes, stored

pytestmark = [pytest.mark.cross("arm-none-eabi-gcc"), pytest.mark.qemu("qemu-system-arm")]


@pytest.fixture(scope="module")
def nano() -> Iterator[tuple[Agent, Hello]]:
    with cortex_m4.start(build.agent(build.EMULATED)) as emulator:
        agent = Agent(emulator.open(HARDWARE_ADVICE), "emulated nano33ble")
        try:
            yield agent, agent.hello(Deadline.after(10))
        finally:
            agent.close()


@contextmanager
def refused_as_a_bad_pack() -> Iterator[None]:
    with pytest.raises(AgentError) as refusal:
        yield
    assert refusal.value.code == Fault.BAD_PACK


@pytest.mark.parametrize(("model", "layout"), cases(), ids=lambda case: case.name)
def test_every_subnet_equals_the_reference(nano: tuple[Agent, Hello], model: Model, layout: Layout) -> None:
    agent, hello = nano
    agent.put_pack(stored(model, layout), hello.max_payload, lambda _: None)
    largest = max(model.input_size, model.output_size(len(model.subnets) - 1))
    x = inputs(model, min(8, 4000 // largest), seed=5)
    agent.inputs(len(x), x.tobytes())
    for subnet in range(len(model.subnets)):
        agent.select(subnet)
        out = agent.infer(len(x) * model.output_size(subnet), 10)
        assert out == interpreter.run(model, subnet, x).tobytes()


def test_models_of_this_test_have_rows_marked_plain() -> None:
    wide = next(model for model in shapes() if model.name == "plain-rows")
    for model in (wide, plain_conv()):
        assert LAYOUTS[4].plain(model.layers[0], model.subnets[1].steps[0]) == b"\x01\x00\x01"
    model = large_biases()
    assert LAYOUTS[4].plain(model.layers[0], model.subnets[1].steps[0]) == b"\x01\x01"


@pytest.mark.parametrize(
    ("at", "code", "value"),
    [
        (4, "I", 1 << 20),  # scratch outside the arena
        (4, "I", 0),  # scratch on top of the input
        (4, "I", 16),  # scratch on top of the output
        (8, "I", 0),  # the table is the header, which holds no valid shift
        (12, "I", 1 << 20),  # plain rows outside the pack
    ],
)
def test_invalid_field_of_a_device_layout_is_refused(
    nano: tuple[Agent, Hello], at: int, code: str, value: int
) -> None:
    agent, hello = nano
    data = bytearray(stored(dense_model([8, 4], [[4]]), LAYOUTS[4]))
    step = seed_of(bytes(data)).plans[0].steps[0]
    struct.pack_into("<" + code, data, step + at, value)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    with refused_as_a_bad_pack():
        agent.put_pack(bytes(data), hello.max_payload, lambda _: None)


@pytest.mark.parametrize(
    ("shifts", "valid"),
    [((8, 9), True), ((16, 16), True), ((7, 9), False), ((17, 9), False), ((23, 9), False), ((8, 8), False),
     ((8, 17), False)],
)  # fmt: skip
def test_shifts_the_kernels_cannot_take_are_refused(
    nano: tuple[Agent, Hello], shifts: tuple[int, int], valid: bool
) -> None:
    agent, hello = nano
    data = bytearray(stored(dense_model([8, 4], [[4]]), LAYOUTS[4]))
    step = seed_of(bytes(data)).plans[0].steps[0]
    table = STEP.unpack_from(data, step)[3]
    data[table : table + 2] = bytes(shifts)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    with nullcontext() if valid else refused_as_a_bad_pack():
        agent.put_pack(bytes(data), hello.max_payload, lambda _: None)


def separable(transposed: bool = False, block: bool = True) -> Model:
    """Return a net with a depthwise or a transposed layer, and perhaps a residual block in front of it."""
    maker = Maker(9, 8, 4, 1)
    first = maker.add(Kind.CONV, 16, (3, 3), (1, 1), (1, 1, 1, 1))
    if block:
        maker.add(Kind.DEPTHWISE, 0, (3, 3), (1, 1), (1, 1, 1, 1))
        maker.add(Kind.CONV, 16)
        maker.add(Kind.ADD, other=first)
    kind, units = (Kind.TRANSPOSED, [16]) if transposed else (Kind.DEPTHWISE, [])
    maker.add(kind, sum(units), (3, 3), (1, 1), (1, 1, 1, 1))
    maker.add(Kind.CONV, 10)
    return maker.build([[16] * (1 + block) + units + [10]])


def instructions_of_layers(nano: tuple[Agent, Hello], data: bytes) -> list[int]:
    """Return the instructions of each layer that the smallest subnet of a pack runs."""
    agent, hello = nano
    agent.put_pack(data, hello.max_payload, lambda _: None)
    agent.inputs(1, inputs(separable(), 1).tobytes())
    clock = next(c.index for c in hello.clocks if c.name == INSTRUCTIONS)
    steps = len(seed_of(data).plans[0].steps)
    timed = agent.profile(0, clock, 1, steps, 10)
    each = range(0, steps * LAYER_SAMPLE.size, LAYER_SAMPLE.size)
    return [LAYER_SAMPLE.read(timed.samples[0], at)["ticks"] - timed.overhead for at in each]


def test_layer_without_a_fast_kernel_runs_portable_alone(nano: tuple[Agent, Hello]) -> None:
    """A transposed convolution costs what it costs in a canonical pack; other weights stay fast."""
    net = separable(transposed=True)
    mixed = instructions_of_layers(nano, stored(net, LAYOUTS[4]))
    canonical = instructions_of_layers(nano, pack.dumps(net))
    fast = instructions_of_layers(nano, stored(separable(), LAYOUTS[4]))
    assert mixed[4] == canonical[4] > 5 * fast[4]
    for i in (0, 1, 2, 5):
        assert mixed[i] == fast[i] < canonical[i] / 2


def test_left_out_block_costs_no_instruction(nano: tuple[Agent, Hello]) -> None:
    """A subnet without a block runs the instructions of a net that never had it."""
    net = without(separable(), [[(1, 4)]])
    assert instructions_of_layers(nano, stored(net, LAYOUTS[4])) == instructions_of_layers(
        nano, stored(separable(block=False), LAYOUTS[4])
    )


def test_weights_of_a_wide_convolution_are_read_once_from_flash(nano: tuple[Agent, Hello]) -> None:
    """The arena of the board is larger than the net's, so that its weights are copied there."""
    agent, hello = nano
    maker = Maker(6, 6, 64, 4)
    maker.add(Kind.CONV, 64)
    model = maker.build([[40], [64]])
    agent.put_pack(stored(model, LAYOUTS[4]), hello.max_payload, lambda _: None)
    agent.inputs(1, inputs(model, 1).tobytes())
    clock = next(c.index for c in hello.clocks if c.name == FLASH_WORDS)
    for subnet, units in enumerate((40, 64)):
        timed = agent.measure(subnet, clock, 1, 10)
        words = int.from_bytes(timed.samples[0], "little") - timed.overhead
        assert units * 64 / 4 < words < 2 * units * 64 / 4, "18 pairs of positions read them"
