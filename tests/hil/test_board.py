import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.capacity import best_layouts, check_capacity
from hil.boards.entry import Entry
from hil.boards.facts import Identity, Provenance
from hil.boards.open_board import OpenBoard
from hil.boards.registry import target
from hil.errors import (
    AgentError,
    BoardsFileError,
    InputsRefused,
    LinkError,
    PackRefused,
    ProtocolError,
    SetupError,
)
from hil.protocol.agent import Timed
from hil.protocol.definition import Fault
from reds import pack
from reds.pack import arena, interpreter, layouts
from reds.pack.extract import extract_up_to
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind, Model
from reds.pack.validate import validate_model
from tests.hil.support.raising import raises
from tests.support.depth import deep_nets
from tests.support.nets import Maker, dense_model, inputs, random_model

TOO_LARGE_FOR_A_SLOT = 9 << 20
"""Bytes of a pack that takes both slots of the desktop."""


@pytest.fixture(scope="module")
def emulated() -> Iterator[Board]:
    with target("nano33ble").start(Entry("nano", "nano33ble"), Provenance.EMULATED) as board:
        yield board


def test_pack_runs_and_is_sent_once(desktop: Board, small: Model) -> None:
    told: list[int] = []
    desktop.deploy(small, told.append)
    assert told
    sent = len(told)
    desktop.deploy(small, told.append)
    assert len(told) == sent
    x = inputs(small, 5000)
    for subnet, out in enumerate(desktop.infer_each([0, 1], x)):
        assert np.array_equal(out, interpreter.run(small, subnet, x))
    desktop.select(1)
    assert np.array_equal(desktop.infer(x[:3]), interpreter.run(small, 1, x[:3]))


def test_inputs_of_minus_128_are_clamped_on_the_host(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    x = np.full((1, 20), -128, np.int8)
    assert np.array_equal(desktop.infer(x), interpreter.run(small, 0, x))


def test_samples_and_first_outputs_belong_to_their_inputs(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    x, (clock,) = inputs(small, 6), desktop.facts().clocks
    assert len(desktop.measure(1, 250, clock, x).ticks) == 250
    taken = desktop.measure_switch((1, 0), 100, clock, x)
    assert len(taken.select.ticks) == len(taken.first.ticks) == 100
    assert np.array_equal(taken.outputs, interpreter.run(small, 0, x)[taken.rows])


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((3, 19), np.int8),
        np.zeros(20, np.int8),
        np.zeros((3, 20), np.int16),
        np.zeros((0, 20), np.int8),
    ],
)
def test_inputs_of_another_shape_are_refused(desktop: Board, small: Model, x: np.ndarray) -> None:
    desktop.deploy(small)
    with raises(InputsRefused, board="desk"):
        desktop.infer(x)


@pytest.mark.parametrize("pack", [5, None, b"REDS", ["a.reds"]])
def test_what_is_no_pack_is_refused(desktop: Board, pack: object) -> None:
    with raises(PackRefused):
        OpenBoard(desktop).deploy(pack)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [0, -1, 70_000, 1.5])
def test_open_board_refuses_an_impossible_number_of_samples(desktop: Board, small: Model, n: float) -> None:
    board = OpenBoard(desktop)
    board.deploy(small)
    with raises(SetupError, board="desk"):
        board.measure(0, n)  # type: ignore[arg-type]
    with raises(SetupError, board="desk"):
        board.measure_switch(0, 1, n)  # type: ignore[arg-type]


def refused(board: Board, size: int) -> None:
    """Let the agent of a board refuse bytes that are no pack."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hil.boards.board.check_capacity", lambda *_: bytes(size))
        with raises(AgentError, board="desk", code=Fault.BAD_PACK):
            board.deploy(dense_model([4, 3], [[3]]))


def test_pack_stays_in_use_if_the_next_one_is_refused(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    desktop.select(1)
    refused(desktop, 1000)
    x = inputs(small, 2)
    assert np.array_equal(desktop.infer(x), interpreter.run(small, 1, x))
    desktop.deploy(small)
    assert np.array_equal(desktop.infer(x), interpreter.run(small, 0, x))


def test_pack_is_sent_again_after_one_that_overwrote_it_was_refused(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    x = inputs(small, 2)
    refused(desktop, TOO_LARGE_FOR_A_SLOT)
    with raises(PackRefused, board="desk"):
        desktop.infer(x)
    desktop.deploy(small)
    assert np.array_equal(desktop.infer(x), interpreter.run(small, 0, x))


def test_agent_that_has_lost_its_pack_is_a_protocol_error(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    with raises(AgentError):
        desktop._agent.put_pack(bytes(TOO_LARGE_FOR_A_SLOT), 4096, lambda done: None)
    for use in (lambda: desktop.select(1), lambda: desktop.infer(inputs(small, 2))):
        with raises(ProtocolError, board="desk"):
            use()


def test_more_inputs_than_a_request_can_name_are_measured(desktop: Board) -> None:
    tiny = dense_model([1, 2], [[2]])
    desktop.deploy(tiny)
    (clock,) = desktop.facts().clocks
    assert len(desktop.measure(0, 5, clock, inputs(tiny, 70_000)).ticks) == 5


def test_net_without_a_multiplication_runs(desktop: Board) -> None:
    maker = Maker(4, 4, 2)
    maker.add(Kind.MAX_POOL, kernel=(2, 2), stride=(2, 2))
    pools = maker.build([[2]])
    desktop.deploy(pools)
    x = inputs(pools, 5)
    assert np.array_equal(desktop.infer(x), interpreter.run(pools, 0, x))


def test_board_without_a_pack_refuses_to_infer(desktop: Board) -> None:
    with raises(PackRefused, board="desk"):
        desktop.infer(np.zeros((1, 20), np.int8))


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_pack_too_large_for_the_board_is_refused_before_it_is_sent(emulated: Board) -> None:
    large = dense_model([250, 900, 900, 12], [[100, 100, 12], [900, 900, 12]], name="large")
    told: list[int] = []
    with pytest.raises(PackRefused) as caught:
        emulated.deploy(large, told.append)
    assert caught.value.board == "nano"
    assert f"{len(pack.dumps(large, layouts.preferring(large, LAYOUTS[4]))):,} bytes" in caught.value.text
    assert not told


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_input_larger_than_a_frame_runs(emulated: Board) -> None:
    wide = dense_model([9000, 3], [[3]], name="wide")
    emulated.deploy(wide)
    x = inputs(wide, 7)
    assert np.array_equal(emulated.infer(x), interpreter.run(wide, 0, x))


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_input_larger_than_the_memory_for_inputs_is_refused(emulated: Board) -> None:
    wide = dense_model([30_000, 3], [[3]], name="wide")
    emulated.deploy(wide)
    with raises(PackRefused, board="nano"):
        emulated.infer(inputs(wide, 1))


def test_identity_of_the_desktop_is_the_name_of_this_machine(desktop: Board) -> None:
    assert desktop.facts().identity == Identity(platform.node())


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_identity_of_an_emulated_board_is_the_emulator_with_its_version(emulated: Board) -> None:
    identity = emulated.facts().identity
    assert identity.serial == ""
    assert re.match(r"QEMU emulator version \d+\.\d+", identity.emulator)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulated_counts_repeat_exactly(emulated: Board, small: Model) -> None:
    x = inputs(small, 4)
    emulated.deploy(small)
    clocks = emulated.facts().clocks
    assert [clock.name for clock in clocks] == ["instructions", "cycles", "flash_words"]
    once = [emulated.measure(1, 8, clock, x).ticks for clock in clocks]
    again = [emulated.measure(1, 8, clock, x).ticks for clock in clocks]
    assert once == again


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_ticks_of_reading_the_clock_are_subtracted_from_every_sample(
    emulated: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw: list[Timed] = []

    def listen(ask: Callable[..., Timed]) -> Callable[..., Timed]:
        return lambda *args: raw.append(ask(*args)) or raw[-1]

    agent, x = emulated._agent, inputs(small, 4)
    emulated.deploy(small)
    monkeypatch.setattr(agent, "measure", listen(agent.measure))
    monkeypatch.setattr(agent, "measure_switch", listen(agent.measure_switch))
    for clock in emulated.facts().clocks:
        steady = emulated.measure(1, 8, clock, x)
        switch = emulated.measure_switch((0, 1), 8, clock, x)
        for taken, timed, at in (
            (steady, raw[-2], 0),
            (switch.select, raw[-1], 0),
            (switch.first, raw[-1], 4),
        ):
            read = [int.from_bytes(sample[at : at + 4], "little") for sample in timed.samples]
            assert timed.overhead > 0 or clock.name == "flash_words", "reading that clock reads no flash"
            assert taken.ticks == tuple(max(0, ticks - timed.overhead) for ticks in read)


def test_check_capacity_refuses_too_little_flash_or_arena(small: Model) -> None:
    size = len(pack.dumps(small))
    need = max(arena.plan(small, s).size for s in (0, 1))
    assert check_capacity("nano", small, frozenset({0}), size, need) == pack.dumps(small)
    for flash, ram in ((size - 1, need), (size, need - 1), (1, 1)):
        with raises(PackRefused, board="nano"):
            check_capacity("nano", small, frozenset({0}), flash, ram)


@pytest.mark.parametrize("seed", range(40))
def test_extracted_subnets_are_whole_packs_with_the_same_outputs(seed: int) -> None:
    model = random_model(seed, subnets=3)
    x = inputs(model, 10)
    for subnet in range(3):
        smaller = extract_up_to(model, subnet)
        validate_model(smaller)
        assert len(smaller.subnets) == subnet + 1
        assert len(pack.dumps(smaller)) <= len(pack.dumps(model))
        assert np.array_equal(interpreter.run(smaller, subnet, x), interpreter.run(model, subnet, x))


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize("seed", range(12))
def test_nets_with_every_kind_of_layer_run_on_boards(desktop: Board, emulated: Board, seed: int) -> None:
    model = random_model(seed)
    x = inputs(model, 5)
    for board in (desktop, emulated):
        board.deploy(model)
        for subnet, out in enumerate(board.infer_each([0, 1], x)):
            assert np.array_equal(out, interpreter.run(model, subnet, x))


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize("seed", range(3))
def test_subnets_without_blocks_run_on_boards(desktop: Board, emulated: Board, seed: int) -> None:
    for model in deep_nets([seed]):
        x, subnets = inputs(model, 5), range(len(model.subnets))
        for board in (desktop, emulated):
            board.deploy(model)
            for subnet, out in enumerate(board.infer_each(subnets, x)):
                assert np.array_equal(out, interpreter.run(model, subnet, x))


def test_each_layer_has_the_best_layout_that_runs_it(small: Model) -> None:
    both, maker = frozenset({0, 4}), Maker(6, 6, 4)
    maker.add(Kind.TRANSPOSED, 4, (3, 3))
    maker.add(Kind.CONV, 4)
    for known in (both, both | {31}):
        assert {layout.id for layout in best_layouts("b", small, known)} == {4}
        assert [layout.id for layout in best_layouts("b", maker.build([[4, 4]]), known)] == [0, 4]
    for model, known in ((small, frozenset({31})), (maker.build([[4, 4]]), frozenset({4}))):
        with raises(PackRefused, board="b"):
            best_layouts("b", model, known)


@pytest.mark.parametrize("key", ["port", "serial"])
def test_desktop_refuses_keys_of_a_port(key: str) -> None:
    with (
        raises(BoardsFileError, board="desk", key=key),
        target("desktop").start(Entry("desk", "desktop", **{key: "/dev/ttyACM0"}), Provenance.HARDWARE),
    ):
        pass


def test_agent_that_is_not_a_program_raises_link_error(tmp_path: Path) -> None:
    text = tmp_path / "agent.txt"
    text.touch()
    with (
        raises(LinkError, board="desk"),
        target("desktop").start(Entry("desk", "desktop", agent=text), Provenance.HARDWARE),
    ):
        pass
