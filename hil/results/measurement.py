"""Describe one measured figure of one board.

`samples` holds the raw values in `unit`. `value` summarizes them:

- latencies and counts: the median
- switches: the slowest
- accuracy: the mean of the correct answers
- layers (`layer_03_depthwise_cycles`): the median of the layer by itself
- arena: bytes, by the plan of the subnet
- room_flash, room_arena: bytes that the board has for packs, and for the arena
- stack, ram: bytes of the deepest of several inferences
- answer, label: the number of labeled examples; the samples are the classes that a subnet answers, and the
  right ones
- energy: the median of mJ for one inference
- energy_switch: the power during inferences times the median of the switches
- power_idle: mW of the idle board, the mean of before and after
- tflite_latency: the median of the same subnet in LiteRT; tflite_ratio: of ours relative to it, turn by turn
- tflite_file, tflite_ram: bytes of a `.tflite` file, and of the memory that LiteRT takes with it
- mismatches: the sum of the wrong outputs
- replay_regret, replay_in_time and the like: scores of a policy in the replay of a trace; `subnet` names both
- load_held, load_missed: shares of deadlines beside a busy process, of the governor and of the full subnet
- infrastructure_errors: 1 if the board was recovered in the run, 2 if it was quarantined

`conditions` holds the board's conditions before all measurements and after the test of this one, or null.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hil.results.conditions import Conditions, Span
from reds.text import is_printable, shown

PROVENANCES = ("hardware", "emulated")
NEVER_NEGATIVE = (
    *("macs", "accuracy", "latency", "cycles", "instructions", "mismatches", "switch", "first"),
    *("layer", "arena", "stack", "ram", "answer", "label", "room", "energy", "power", "tflite"),
    *("replay", "load", "flash"),
)
"""Metrics of the bench; `switch_cycles` and the like are counted as `switch`, `first_latency` as `first`."""
UNITS = {"accuracy": "fraction", "latency": "us", "switch": "us", "tflite_latency": "us", "energy": "mJ"}
"""Units of metrics that a user's own test may also record, in another unit."""

INFRASTRUCTURE_ERRORS = "infrastructure_errors"
"""Metric of a board, not of the pack: 1 if it was recovered in the run, 2 if it was quarantined."""
STEPS = {
    **{"replay_income": "uW", "replay_load": "percent", "replay_deadline": "us", "replay_stored": "nJ"},
    **{"replay_subnet": "subnet", "replay_outcome": "outcome"},
}
"""Metrics with their units, whose samples are the jobs of a replay. Subnets count from 1, and 0 is none."""
LOAD = ("load_held", "load_missed")
"""Shares of deadlines beside a busy process, which have limits of their own."""
UNJUDGED = (INFRASTRUCTURE_ERRORS, "answer", "label", *LOAD, *STEPS)
"""Metrics that are never compared: what happened to a board or beside it, and what others summarize."""

FIGURE = ("target", "board", "provenance", "pack_sha256", "subnet", "metric", "unit")
"""Fields that tell the figures of a run apart."""


@dataclass(frozen=True)
class Measurement:
    """One figure of one board. `subnet` is a name such as `25%`, or an ordered pair such as `25%->100%`.

    Attributes:
        low: Lower bound of the interval of `value`, None if no interval was computed.
        high: Upper bound of the interval.
        pack_shape: Hash of the network without its weights (`hil.results.pack_shape`); empty if unknown.

    Raises:
        ValueError: A text is not printable, or a figure is not finite, negative for a metric that cannot be,
            or an accuracy above 1.
    """

    target: str
    board: str
    provenance: str
    pack: str
    pack_sha256: str
    subnet: str
    metric: str
    unit: str
    value: float
    samples: tuple[float, ...]
    conditions: Span | None = None
    low: float | None = None
    high: float | None = None
    pack_shape: str = ""

    def __post_init__(self) -> None:
        for key in ("target", "board", "pack", "subnet", "metric", "unit"):
            text: object = getattr(self, key)
            if not is_printable(text):
                raise ValueError(f"{key} is {shown(text)}: a printable text is needed")
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance is {shown(self.provenance)}: {' or '.join(PROVENANCES)} is needed")
        least = 0.0 if self.metric.partition("_")[0] in NEVER_NEGATIVE else -math.inf
        most = 1.0 if self.metric == "accuracy" else math.inf
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        for figure in (self.value, *bounds, *self.samples):
            if not (
                isinstance(figure, int | float) and -math.inf < figure < math.inf and least <= figure <= most
            ):
                kind = "a finite number" if least else "a finite number, 0 or more,"
                kind = "a fraction of 0 to 1" if most == 1 else kind
                raise ValueError(f"{self.subnet} {self.metric} is {shown(figure)}: {kind} is needed")

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return asdict(self)


def measurement_of(plain: Mapping[str, Any]) -> Measurement:
    """Return the measurement of which `Measurement.plain` has made a mapping."""
    seen = plain["conditions"]
    span = Span(Conditions(**seen["before"]), Conditions(**seen["after"])) if seen else None
    return Measurement(**{**plain, "samples": tuple(plain["samples"]), "conditions": span})


def metric_name(what: str, unit: str) -> str:
    """Name the metric of a `latency`, a `switch` or a layer: as it is in us, else after the counted unit."""
    if unit == "us":
        return what
    return unit if what == "latency" else f"{what}_{unit}"


def latest(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return plain measurements with each figure once: a test that ran again took it again, and that counts.

    Args:
        rows: Plain measurements of one run, in the order in which they were taken.
    """
    return list({tuple(row.get(key, "") for key in FIGURE): row for row in rows}.values())
