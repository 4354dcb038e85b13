"""Runs with every kind of figure that a report shows."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, PackFacts, Run, TestOutcome
from hil.results.store import Store
from tests.hil.support.runs import outcome, run_at

SUBNETS = ("25%", "50%", "100%")
CLASSES = ("yes", "no", "go", "stop")
CLIPS = 80
ROOM = (("room_flash", 76_000), ("room_arena", 48_000))
"""Bytes that a board has."""
BOARDS = (
    BoardIdentity("nano33ble", "nano33ble", "emulated", "", "QEMU emulator version 7.2.22", "abcd"),
    BoardIdentity("desktop", "desk", "hardware", "host", "", "ef01"),
    BoardIdentity("pi", "pi", "emulated", "", "QEMU emulator version 7.2.22", "abcd"),
    BoardIdentity("android", "phone", "hardware", "0A061JEC", "", "2345"),
)


def measured(
    board: BoardIdentity, pack: str, slower: float = 1.0, seed: int = 0, classes: int = len(CLASSES)
) -> Iterator[Measurement]:
    """Yield what a board measures of a pack of three subnets.

    Args:
        board: The board.
        pack: Name of the pack.
        slower: Factor of all times.
        seed: Seed of noise and answers; answers do not depend on the board.
        classes: Number of classes.
    """
    answers, noise = np.random.default_rng(seed), np.random.default_rng(len(board.target))
    exact = board.provenance == "emulated"
    labels = answers.integers(0, classes, CLIPS)

    def figure(subnet: str, metric: str, unit: str, value: float, samples: Sequence[float]) -> Measurement:
        who = board.target, board.board, board.provenance, pack, f"{pack}-sha"
        taken = tuple(map(float, samples))
        low, high = (value * 0.97, value * 1.02) if metric in ("latency", "accuracy") else (None, None)
        return Measurement(
            *who, subnet, metric, unit, value, taken, low=low, high=high, pack_shape=f"{pack}-shape"
        )

    units = ("cycles", "us") if board.target == "nano33ble" else ("instructions",) if exact else ("us",)
    for n, subnet in enumerate(SUBNETS, 1):
        wrong = answers.random(CLIPS) < 0.4 / n
        given = np.where(wrong, answers.integers(0, classes, CLIPS), labels)
        right = given == labels
        yield figure(subnet, "macs", "MAC", n * 20_000, [n * 20_000])
        yield figure(subnet, "accuracy", "fraction", float(right.mean()), right.tolist())
        for metric, values in (("answer", given), ("label", labels)):
            yield figure(subnet, metric, "class", CLIPS, values.tolist())
        for unit in units:
            time = n * slower * {"cycles": 64_000, "us": 1000.0, "instructions": 50_000}[unit]
            spread = 0.0 if exact else 0.02
            samples = time * (1 + spread * noise.standard_normal(40))
            yield figure(
                subnet, "latency" if unit == "us" else unit, unit, float(np.median(samples)), samples
            )
            shares = (0.5, 0.3, 0.15, 0.05)
            for i, (kind, share) in enumerate(
                zip(("conv", "depthwise", "average_pool", "dense"), shares, strict=True)
            ):
                suffix = "" if unit == "us" else f"_{unit}"
                name = f"layer_{i:02}_{kind}{suffix}"
                yield figure(subnet, name, unit, time * share, [time * share])
            for other in SUBNETS:
                if other != subnet:
                    what = "switch" if unit == "us" else f"switch_{unit}"
                    yield figure(f"{other}->{subnet}", what, unit, 10.0 + n, [10.0, 10.0 + n])
        for metric, size in (("arena", 4000 * n), ("stack", 500), ("ram", 4000 * n + 600), *ROOM):
            yield figure(subnet, metric, "bytes", size, [size])


def bench(
    store: Store,
    second: int,
    pack: str = "kws-net",
    *,
    boards: Sequence[BoardIdentity] = BOARDS,
    slower: float = 1.0,
    seed: int = 0,
    classes: Sequence[str] = CLASSES,
    fails: str = "",
) -> Run:
    """Keep a run on some boards; return it.

    Args:
        store: The store.
        second: Second of the day at which it starts.
        pack: Name of the pack.
        boards: The boards.
        slower: Factor of all times.
        seed: Seed of the answers.
        classes: Names of the classes.
        fails: Reason why the last test fails; empty if it passes.
    """
    card = json.dumps({"name": pack, "classes": list(classes), "bytes": 38_000})
    facts = PackFacts(pack, f"{pack}-sha", f"{pack}-shape", card)
    writer = store.begin(run_at(second, pack=facts, commit="0123456789abcdef", dirty=True))
    for board in boards:
        figures = list(measured(board, pack, slower, seed, len(classes)))
        writer.test_ended(outcome(board, f"test_all[{board.board}]"), board, figures)
    if fails:
        who = boards[-1].target, boards[-1].board, boards[-1].provenance
        writer.test_ended(TestOutcome("test_latency[25%]", "failed", 0.1, fails, *who), boards[-1], [])
    writer.end("failed" if fails else "passed")
    return writer.run
