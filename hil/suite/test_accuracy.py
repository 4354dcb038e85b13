"""Test that a board is as good as the reference interpreter, and reaches the floors of the card.

Good is the accuracy, or the score that the card names for a net that does not tell classes apart.
"""

from typing import Any

from numpy.typing import NDArray

from hil.boards.board import Outputs
from hil.results.statistics.proportions import proportion_interval
from hil.suite.fixtures import Hold, Record
from hil.suite.workload import Workload
from reds.pack.task import METRICS, mean_error


def test_accuracy(
    workload: Workload,
    subnet: str,
    truth: NDArray[Any],
    outputs: Outputs,
    expected: Outputs,
    record_measurement: Record,
    hold: Hold,
) -> None:
    metric, ours = METRICS[workload.task], outputs[: len(truth)]
    reached, wanted = (workload.score(each[: len(truth)], subnet) for each in (outputs, expected))
    samples: list[int] = []
    if workload.task == "classes":
        answers = ours.argmax(axis=1)
        samples = (answers == truth).astype(int).tolist()
        for name, classes in (("answer", answers), ("label", truth)):
            record_measurement(subnet, name, "class", len(classes), classes.tolist())
    elif workload.task == "values":
        real = workload.pack.real(ours, workload.subnets.index(subnet))
        record_measurement(subnet, "mean_error", "value", mean_error(real, truth))
    record_measurement(subnet, metric, "fraction", reached, samples)
    assert reached == wanted, (
        f"{subnet}: {metric} is {reached:.4f}, the reference has {wanted:.4f}"
        "; test_conformance shows the outputs that differ"
    )
    floor, likely = workload.floors[subnet], reached
    told = f"{subnet}: {metric} is {reached:.4f}, below {floor:.4f}, the floor in the pack's card"
    if (
        not workload.whole and samples
    ):  # some examples are too few to say that all of them stay below the floor
        likely = proportion_interval(sum(samples), len(samples))[1]
        told += f", and {likely:.4f} at best on all examples"
    assert hold(subnet, metric, "fraction", floor, likely >= floor, least=True), told
