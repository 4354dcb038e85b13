"""Count instructions of one layer of each modern kind on the emulated Nano.

Each net of `python -m tests.targets.layer_costs` is one layer of a size that small nets have. The counts
repeat exactly. They are those of the layer as it is deployed, by the kernels of the Cortex-M4 where they run
it. The last column has the portable kernels.
"""

from collections.abc import Mapping

from hil.emulators import cortex_m4
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.protocol.definition import LAYER_SAMPLE
from hil.protocol.hello import INSTRUCTIONS
from hil.transports.deadline import Deadline
from hil.transports.serial import HARDWARE_ADVICE
from reds.pack.layouts import CANONICAL, LAYOUTS
from reds.pack.model import Kind, Model
from tests.support.nets import Maker, inputs
from tests.targets.support.models import stored


def layer(height: int, width: int, units: int, kind: Kind, written: int = 0, **options: object) -> Model:
    """Return a net of one layer."""
    maker = Maker(height, width, units)
    maker.add(kind, written, **options)  # type: ignore[arg-type]
    mixes = kind in (Kind.CONV, Kind.TRANSPOSED)
    return maker.build([[written] if mixes else []])


ONES = {"padding": (1, 1, 1, 1), "kernel": (3, 3)}
CASES: Mapping[str, Model] = {
    "conv 3x3, dilation 2, 16 -> 16, 16x16": layer(
        16, 16, 16, Kind.CONV, 16, kernel=(3, 3), dilation=(2, 2), padding=(2, 2, 2, 2)
    ),
    "depthwise 3x3, dilation 2, 64, 12x12": layer(
        12, 12, 64, Kind.DEPTHWISE, kernel=(3, 3), dilation=(2, 2), padding=(2, 2, 2, 2)
    ),
    "grouped 3x3, 4 groups, 32 -> 32, 12x12": layer(12, 12, 32, Kind.GROUPED, 32, groups=4, **ONES),
    "depthwise 3x3, multiplier 2, 32 -> 64, 12x12": layer(12, 12, 32, Kind.GROUPED, 64, groups=32, **ONES),
    "transposed 4x4 s2, 16 -> 16, 8x8": layer(
        8, 8, 16, Kind.TRANSPOSED, 16, kernel=(4, 4), stride=(2, 2), padding=(1, 1, 1, 1)
    ),
    "average pool 3x3, padded, 32, 16x16": layer(16, 16, 32, Kind.AVERAGE_POOL, **ONES),
    "max pool 3x3, padded, 32, 16x16": layer(16, 16, 32, Kind.MAX_POOL, **ONES),
    "upsample 2x2, 32, 8x8": layer(8, 8, 32, Kind.UPSAMPLE, stride=(2, 2)),
    "multiply, 32, 16x16": layer(16, 16, 32, Kind.MULTIPLY, other=0),
    "concat of two, 32 each, 16x16": layer(16, 16, 32, Kind.CONCAT, inputs=(0, 0)),
    "parametric ReLU, 32, 16x16": layer(16, 16, 32, Kind.PRELU),
    "layer norm, 64, 50 positions": layer(50, 1, 64, Kind.LAYER_NORM),
    "layer norm, 192, 50 positions": layer(50, 1, 192, Kind.LAYER_NORM),
    "attention, 4 heads of 16, 50 positions": layer(50, 1, 64, Kind.ATTENTION, inputs=(0, 0, 0), groups=4),
    "attention, 3 heads of 64, 50 positions": layer(50, 1, 192, Kind.ATTENTION, inputs=(0, 0, 0), groups=3),
    "embedding, 64, 50 positions": layer(50, 1, 64, Kind.EMBED),
    "transpose, 64, 50 positions": layer(50, 1, 64, Kind.TRANSPOSE),
    "reshape, 64, 50 positions": layer(50, 1, 64, Kind.RESHAPE),
}


def instructions(agent: Agent, payload: int, clock: int, model: Model, data: bytes) -> int:
    """Return the instructions of the only layer of a pack."""
    agent.put_pack(data, payload, lambda _: None)
    agent.inputs(1, inputs(model, 1).tobytes())
    timed = agent.profile(0, clock, 1, 1, 60)
    return LAYER_SAMPLE.read(timed.samples[0], 0)["ticks"] - timed.overhead


def main() -> None:
    """Print a table of all cases."""
    print("| layer | MACs | outputs | instructions | per MAC | per output | portable alone |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with cortex_m4.start(build.agent(build.EMULATED)) as emulator:
        agent = Agent(emulator.open(HARDWARE_ADVICE), "emulated nano33ble")
        hello = agent.hello(Deadline.after(10))
        clock = next(c.index for c in hello.clocks if c.name == INSTRUCTIONS)
        for name, model in CASES.items():
            fast, portable = (
                instructions(agent, hello.max_payload, clock, model, stored(model, layout))
                for layout in (LAYOUTS[4], CANONICAL)
            )
            macs, outputs = model.macs(0), model.output_size(0)
            each = f"{fast / macs:.2f}" if macs else ""
            print(
                f"| {name} | {macs:,} | {outputs:,} | {fast:,} | {each} | {fast / outputs:.1f} |"
                f" {portable:,} |",
                flush=True,
            )
        agent.close()


if __name__ == "__main__":
    main()
