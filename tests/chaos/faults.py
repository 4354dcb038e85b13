"""Draw faults of a stream. A fault is plain data, so that it travels to the proxy and can be repeated."""

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Lane = Literal["host", "agent"]
"""Direction of the bytes."""
NONE = "change nothing"


@dataclass(frozen=True)
class Fault:
    """One fault of a stream.

    Attributes:
        name: A name in `BYTES` or `FRAMES`.
        lane: The direction that it hits.
        at: The byte, or the frame, that it starts at.
        amount: Bytes or bits that it changes, where it changes a number of them.
        seconds: How long it pauses, where it pauses.
        seed: Seed of the bytes that it makes up.
    """

    name: str = NONE
    lane: Lane = "host"
    at: int = 0
    amount: int = 1
    seconds: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        if self.name == NONE:
            return NONE
        unit = "frame" if self.name in FRAMES else "byte"
        told = ALL[self.name]
        more = f" ({self.amount:,})" * told.counted + f" ({self.seconds:.2f} s)" * told.paused
        return f"{self.name}{more}, from {unit} {self.at} to the {self.lane} (seed {self.seed})"

    @property
    def lies(self) -> bool:
        """Return whether the fault changes what valid frames say, as an agent could that means harm."""
        return self.name in FRAMES and FRAMES[self.name].lies

    def dumps(self) -> str:
        """Return the fault as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Fault":
        """Read a fault from JSON."""
        given: dict[str, Any] = json.loads(text)
        return cls(**given)


@dataclass(frozen=True)
class Shape:
    """Describe the faults of one name: their counts, pauses and directions, and whether they lie."""

    weight: float = 1.0
    counted: bool = False
    paused: bool = False
    lanes: tuple[Lane, ...] = ("host", "agent")
    lies: bool = False


_TO_HOST: tuple[Lane, ...] = ("host",)
BYTES = {
    "drop bytes": Shape(2, counted=True),
    "flip a bit": Shape(3, counted=True),
    "send bytes twice": Shape(2, counted=True),
    "insert noise": Shape(2, counted=True),
    "pause": Shape(2, paused=True),
    "stall": Shape(1),
    "stop reading": Shape(1),
    "close": Shape(1),
    "send zeros for ever": Shape(1, lanes=_TO_HOST),
    "send noise for ever": Shape(1, lanes=_TO_HOST),
    "send a frame without an end": Shape(1, lanes=_TO_HOST),
    "flood with valid frames": Shape(1, lanes=_TO_HOST),
    "drip": Shape(1, paused=True),
    "ignore the end": Shape(0.5, lanes=_TO_HOST),
}
"""Faults of any stream of bytes."""
FRAMES = {
    "lose a frame": Shape(2),
    "send a frame twice": Shape(2),
    "send a frame for ever": Shape(1, lanes=_TO_HOST),
    "swap two frames": Shape(1),
    "send a frame late": Shape(2, paused=True),
    "number a frame otherwise": Shape(2),
    "cut a frame's payload": Shape(2, counted=True, lies=True),
    "lengthen a frame's payload": Shape(2, counted=True, lies=True),
    "leave out a frame's end": Shape(1),
    "name another command": Shape(1, lies=True),
    "refuse": Shape(2, lanes=_TO_HOST, lies=True),
    "refuse for ever": Shape(1, lanes=_TO_HOST, lies=True),
    "slow every frame": Shape(1, paused=True),
    "change a frame's payload": Shape(3, counted=True, lies=True),
    "lie": Shape(8, lanes=_TO_HOST, lies=True),
    "lie for ever": Shape(4, lanes=_TO_HOST, lies=True),
}
"""Faults of the frames of the agent protocol, their checksums right."""


ALL = {**BYTES, **FRAMES}
"""Faults of a stream that carries the agent protocol itself."""
ANSWERS = {name: replace(shape, lanes=_TO_HOST) for name, shape in BYTES.items()}
"""Faults of a stream whose requests must not be changed."""


def draw(rng: random.Random, shapes: Mapping[str, Shape]) -> Fault:
    """Draw one of these faults, or none now and then."""
    if rng.random() < 0.03:
        return Fault()
    name = rng.choices(list(shapes), [shape.weight for shape in shapes.values()])[0]
    shape = shapes[name]
    return Fault(
        name,
        rng.choice(shape.lanes),
        rng.randrange(12) if name in FRAMES else int(10 ** rng.uniform(0, 3.6)) - 1,
        int(10 ** rng.uniform(0, 5.3)) if shape.counted else 1,
        rng.choice([0.002, 0.02, 0.2, 0.5, 0.9, 1.5]) if shape.paused else 0.0,
        rng.randrange(1 << 16),
    )
