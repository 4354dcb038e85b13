"""A few nets drawn at random run on the Cortex-M4's kernels; `python -m tests.random_nets` runs more."""

from dataclasses import replace

import numpy as np
import pytest

from reds.pack import interpreter
from tests.random_nets import draw, families
from tests.random_nets.__main__ import main
from tests.random_nets.outliers import LEAST, Case, Reason, outliers, reasons
from tests.random_nets.running import check

USUAL = Case("m4", 0, 0, 0, "conv", 1000, 100, 1500, frozenset({"radix256"}), "3x3")


@pytest.fixture(scope="module")
def m4(tmp_path_factory: pytest.TempPathFactory) -> families.Program:
    return families.build("m4", tmp_path_factory.mktemp("random-nets"))


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-arm")
def test_random_nets_equal_the_reference_and_every_layer_is_counted(
    m4: families.Program,
) -> None:
    for seed in range(12):
        cases, faults = check(seed, {"m4": m4})
        assert faults == []
        subnets = draw.model(seed).subnets
        assert len(cases) == sum(len(subnet.steps) for subnet in subnets)
        assert all(0 < each.instructions < 1e8 for each in cases)


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-arm")
def test_wrong_output_is_told_with_its_net(m4: families.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    right = interpreter.run
    monkeypatch.setattr(interpreter, "run", lambda *of: right(*of) ^ np.int8(1))
    (fault,) = check(1, {"m4": m4})[1]
    assert fault == "net 1 on m4: subnet 1 of net-1, as a whole: outputs differ from the interpreter's"


def test_same_seed_draws_the_same_net_and_others_draw_others() -> None:
    names = {draw.model(seed).name for seed in (1, 2, 3)}
    assert len(names) == 3
    again = draw.model(1)
    assert [layer.kind for layer in again.layers] == [layer.kind for layer in draw.model(1).layers]
    assert all(
        np.array_equal(a.weights, b.weights) for a, b in zip(again.layers, draw.model(1).layers, strict=True)
    )


def test_layer_three_times_dearer_than_its_neighbors_is_an_outlier() -> None:
    alike = [replace(USUAL, net=net, instructions=1400 + net) for net in range(LEAST)]
    dear = replace(USUAL, net=99, instructions=4300)
    (found,) = outliers([*alike, dear])
    assert found.case is dear
    assert found.usual == pytest.approx(1.4035)
    assert outliers([*alike, replace(dear, instructions=4200)]) == []
    assert outliers([*alike[1:], dear]) == [], "too few neighbors"
    for other in (
        {"kind": "dense"},
        {"family": "neon"},
        {"outputs": 201},
        {"work": 2001, "instructions": 9000},
    ):
        assert outliers([*alike, replace(dear, **other)]) == [], "no neighbors"


def test_reason_explains_cases_of_its_trait_kind_and_family() -> None:
    assert Reason("radix256", "").explains(USUAL)
    assert not Reason("plain rows", "").explains(USUAL)
    assert not Reason("radix256", "", kinds=("dense",)).explains(USUAL)
    assert not Reason("radix256", "", families=("neon",)).explains(USUAL)
    assert all(reason.trait and reason.text for reason in reasons())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--family", "m4,m5"], "no family 'm5'; known: m4,"),
        (["--nets", "0"], "--nets: '0' is no whole number of at least 1"),
        (["--seed", "-1"], "--seed: '-1' is no whole number of at least 0"),
    ],
)
def test_command_refuses_what_would_run_nothing(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_command_without_a_family_that_runs_here_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert main(["--nets", "1", "--family", "m4"]) == 1
    assert "m4: left out, this machine lacks arm-none-eabi-gcc, qemu-arm" in capsys.readouterr().out
