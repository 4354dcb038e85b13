"""Bench a user's own `.tflite` file in LiteRT: latency, memory and accuracy, without switches.

Accuracy and memory have no limit, so their tests fail only if they cannot be measured.
"""

import pytest

from hil.kernels.desktop import EACH, ROUNDS
from hil.kernels.litert import LiteRT
from hil.results.statistics.quantiles import median
from hil.suite.fixtures import Keep
from hil.suite.tflite_file import TfliteFile


def test_latency_of_tflite(runtime: LiteRT, keep: Keep) -> None:
    us = [us for _ in range(ROUNDS) for us in runtime.time(EACH + 1)[1:]]
    keep("tflite_latency", "us", median(us), us)
    assert median(us) > 0, "the clock did not move during an inference; bench a larger file"


def test_memory_of_tflite(runtime: LiteRT, keep: Keep, tflite: TfliteFile) -> None:
    keep("tflite_file", "bytes", len(tflite.content), [float(len(tflite.content))])
    keep("tflite_ram", "bytes", runtime.ram, [float(runtime.ram)])


def test_accuracy_of_tflite(runtime: LiteRT, keep: Keep, tflite: TfliteFile) -> None:
    if not len(tflite.y):
        pytest.skip(f"no labeled examples: put {tflite.name}.npz with x and y beside the file")
    right = runtime.classes(tflite.x) == tflite.y
    keep("accuracy", "fraction", float(right.mean()), right.astype(float).tolist())
