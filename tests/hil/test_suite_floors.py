"""The suite holds a pack to the floors of its card, on all labeled examples or on some."""

import json
import shutil
from pathlib import Path

import pytest

from hil.suite import workload
from tests.hil.support.suite_run import Run, outcomes, read, suite_size


@pytest.mark.parametrize(("floor", "passed"), [(0.75, 4), (0.99, 3)])
def test_some_inputs_fail_a_floor_only_if_they_are_enough_to_say_so(
    hil: Run, tmp_path: Path, floor: float, passed: int
) -> None:
    shipped = workload.shipped()
    shutil.copy(shipped, tmp_path)
    card = json.loads(shipped.with_suffix(".json").read_text())
    assert card["subnets"][0]["accuracy"]["test"] < 0.75
    card["subnets"][0]["floor"] = floor
    (tmp_path / "kws-dnn-s.json").write_text(json.dumps(card))
    done = hil("--target=desktop", "--pack", "kws-dnn-s.reds", "--inputs=60", "-k", "test_accuracy")
    assert outcomes(done.stdout)["passed"] == passed, done.stdout
    assert "60 of 1,859 labeled examples; --inputs all takes every one" in done.stdout


def test_the_shipped_pack_holds_its_floors_and_a_higher_one_fails(hil: Run, tmp_path: Path) -> None:
    shipped = workload.shipped()
    shutil.copy(shipped, tmp_path)
    card = json.loads(shipped.with_suffix(".json").read_text())
    assert 0 < card["subnets"][0]["floor"] < card["subnets"][0]["accuracy"]["test"]
    card["subnets"][0]["floor"] = 0.99
    (tmp_path / "kws-dnn-s.json").write_text(json.dumps(card))
    done = hil("--target=desktop", "--pack", "kws-dnn-s.reds", "--results", "a.jsonl", "--samples=5")
    assert outcomes(done.stdout) == {"failed": 1, "passed": suite_size() - 1}
    assert "below 0.9900, the floor in the pack's card" in done.stdout
    rows = [row for row in read(tmp_path / "a.jsonl") if row["metric"] == "accuracy"]
    assert [row["subnet"] for row in rows] == ["25%", "50%", "75%", "100%"]
    for row, subnet in zip(rows, card["subnets"], strict=True):
        assert row["value"] == pytest.approx(subnet["accuracy"]["test"], abs=1e-6)
        assert len(row["samples"]) == card["labelled"]["clips"]
