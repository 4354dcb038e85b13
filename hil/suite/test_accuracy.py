"""Test that a board is as accurate as the reference interpreter, and reaches the floors of the card."""

from hil.boards.board import Outputs
from hil.results.statistics.proportions import proportion_interval
from hil.suite.fixtures import Hold, Record
from hil.suite.workload import Workload
from reds.data.catalog import Labels


def test_accuracy(
    workload: Workload,
    subnet: str,
    truth: Labels,
    outputs: Outputs,
    expected: Outputs,
    record_measurement: Record,
    hold: Hold,
) -> None:
    answers = outputs[: len(truth)].argmax(axis=1)
    right, wanted = answers == truth, expected[: len(truth)].argmax(axis=1) == truth
    accuracy = float(right.mean())
    record_measurement(subnet, "accuracy", "fraction", accuracy, right.astype(int).tolist())
    for metric, classes in (("answer", answers), ("label", truth)):
        record_measurement(subnet, metric, "class", len(classes), classes.tolist())
    assert accuracy == float(wanted.mean()), (
        f"{subnet}: accuracy is {accuracy:.4f}, the reference has {wanted.mean():.4f}"
        "; test_conformance shows the outputs that differ"
    )
    floor, likely = workload.floors[subnet], accuracy
    told = f"{subnet}: accuracy is {accuracy:.4f}, below {floor:.4f}, the floor in the pack's card"
    if not workload.whole:  # some examples are too few to say that all of them stay below the floor
        likely = proportion_interval(int(right.sum()), len(right))[1]
        told += f", and {likely:.4f} at best on all examples"
    assert hold(subnet, "accuracy", "fraction", floor, likely >= floor, least=True), told
