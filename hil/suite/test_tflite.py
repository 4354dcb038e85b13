"""Bench a user's own `.tflite` file in LiteRT: latency, memory and accuracy, without switches.

A boards file may limit latency_us and ram_bytes of `whole`. Without limits a test fails if it cannot measure.
"""

from collections.abc import Mapping

import pytest

from hil.kernels.desktop import EACH, ROUNDS
from hil.kernels.litert import LiteRT
from hil.results.statistics.quantiles import median
from hil.suite.fixtures import Hold, Keep
from hil.suite.tflite_file import TfliteFile


def test_latency_of_tflite(
    runtime: LiteRT, keep: Keep, hold: Hold, tflite: TfliteFile, file_limits: Mapping[str, float]
) -> None:
    us = [us for _ in range(ROUNDS) for us in runtime.time(EACH + 1)[1:]]
    keep("tflite_latency", "us", median(us), us)
    assert median(us) > 0, "the clock did not move during an inference; bench a larger file"
    (whole,), limit = tflite.subnets, file_limits.get("latency_us")
    told = f"{whole}: the median is {median(us):,.1f} us, over the budget in the boards file, {limit} us"
    assert limit is None or hold(whole, "tflite_latency", "us", limit, median(us) <= limit), told


def test_memory_of_tflite(
    runtime: LiteRT, keep: Keep, hold: Hold, tflite: TfliteFile, file_limits: Mapping[str, float]
) -> None:
    keep("tflite_file", "bytes", len(tflite.content), [float(len(tflite.content))])
    keep("tflite_ram", "bytes", runtime.ram, [float(runtime.ram)])
    (whole,), limit = tflite.subnets, file_limits.get("ram_bytes")
    told = f"{whole}: it takes {runtime.ram:,} bytes of RAM, over the limit in the boards file, {limit}"
    assert limit is None or hold(whole, "tflite_ram", "bytes", limit, runtime.ram <= limit), told


def test_accuracy_of_tflite(runtime: LiteRT, keep: Keep, tflite: TfliteFile) -> None:
    if not len(tflite.y):
        pytest.skip(f"no labeled examples: put {tflite.name}.npz with x and y beside the file")
    right = runtime.classes(tflite.x) == tflite.y
    keep("accuracy", "fraction", float(right.mean()), right.astype(float).tolist())
