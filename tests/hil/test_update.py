"""Updates of a board: the old pack works until the new one is whole, and what both have is not sent."""

import re
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from hil.boards.board import Board
from hil.boards.capacity import check_capacity
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.governing import Cost, Resources, Rules
from hil.boards.governor import Job
from hil.boards.registry import target
from hil.cli import main
from hil.emulators import cortex_m4
from hil.errors import AgentError, PackRefused, ProtocolError
from hil.firmware import build
from hil.protocol import definition as wire
from hil.protocol.definition import Command, Fault, Policy
from hil.protocol.put import COPIED, Pages, _pieces, read_pages
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.serial import HARDWARE_ADVICE
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.power import with_new_head
from tests.hil.support.raising import raises
from tests.hil.support.tcpboard import TcpBoard
from tests.support.nets import dense_model, inputs

NET = dense_model([40, 200, 30, 6], [[64, 16, 6], [200, 30, 6]], name="keyword")
LARGE = dense_model([400, 520, 4], [[520, 4]], name="large")
"""A net whose pack takes both slots of a Nano."""
BOARDS = [
    pytest.param("desktop", Provenance.HARDWARE, id="desktop"),
    pytest.param(
        "nano33ble",
        Provenance.EMULATED,
        id="emulated nano33ble",
        marks=[pytest.mark.qemu("qemu-system-arm"), pytest.mark.cross("arm-none-eabi-gcc")],
    ),
]


def answers_as(board: Board, model: Model) -> bool:
    """Return whether the board computes the outputs of a model with the selected subnet."""
    x = inputs(model, 3)
    return np.array_equal(board.infer(x), interpreter.run(model, board.selected, x))


def test_pages_that_both_packs_have_are_not_sent(desktop: Board) -> None:
    first = desktop.deploy(NET)
    assert (first.sent, first.copied) == (first.size, 0)
    new = with_new_head(NET, 1)
    second = desktop.deploy(new)
    assert second.sent + second.copied == second.size
    assert 0 < second.sent < second.size // 2
    assert answers_as(desktop, new)
    assert desktop.deploy(new).sent == 0, "a pack that is stored already was sent"


def test_pack_of_another_size_copies_what_lies_at_the_same_place(desktop: Board) -> None:
    desktop.deploy(NET)
    smaller = replace(NET, subnets=NET.subnets[1:])
    desktop.deploy(smaller)
    assert answers_as(desktop, smaller)
    desktop.deploy(NET)
    assert answers_as(desktop, NET)


def test_page_that_differs_under_the_same_sum_is_sent_in_the_end(desktop: Board) -> None:
    """Weights changed by 1, -2 and 1 leave the Adler-32 of their page as it is."""
    layer = NET.layers[0]
    weights = layer.weights.copy()
    weights[100, 8:11] = [5, 5, 5]
    changed = weights.copy()
    changed[100, 8:11] += np.array([1, -2, 1], np.int8)
    old, new = (replace(NET, layers=(replace(layer, weights=w), *NET.layers[1:])) for w in (weights, changed))
    desktop.deploy(old)
    stored = desktop.deploy(new)
    assert stored.sent == stored.size
    assert answers_as(desktop, new)


@pytest.mark.parametrize(("name", "provenance"), BOARDS)
def test_governor_decides_with_the_old_pack_until_the_new_one_is_whole(
    name: str, provenance: Provenance
) -> None:
    with target(name).start(Entry(name, name), provenance) as board:
        board.deploy(NET)
        clock, x = next(each for each in board.facts().clocks if each.hz), inputs(NET, 4)
        governor = board.govern(Rules(Policy.FIXED, fixed=1), [Cost(10), Cost(20)], clock, Job(x))
        expected, rows = interpreter.run(NET, 1, x), list[int]()

        def work(done: int) -> None:
            rows.append(done)
            decision = governor.decide(Resources(), len(rows))
            assert decision.output is not None
            assert np.array_equal(decision.output, expected[len(rows) % 4])

        new = replace(with_new_head(NET, 1), subnets=NET.subnets[:1])
        board.deploy(new, work)
        assert len(rows) > 3
        assert answers_as(board, new)
        with pytest.raises(ProtocolError):
            governor.decide(Resources(), 0)


def test_pieces_of_a_pack_that_is_overwritten_cannot_be_copied(desktop: Board) -> None:
    desktop.deploy(NET)
    exchange, loaded = desktop._agent._exchange, desktop._agent.pages()
    for size in (2 * loaded.slot, loaded.size + 4):
        next(exchange.ask(Command.PUT_BEGIN, wire.PUT_BEGIN.pack(size, 1), Deadline.after(9)))
        with raises(AgentError, code=Fault.BAD_REQUEST, board="desk"):
            next(exchange.ask(Command.PUT_COPY, wire.PUT_COPY.pack(0, size), Deadline.after(9)))
    assert answers_as(desktop, NET), "a piece that was refused ended the use of the loaded pack"


@given(st.data())
def test_pieces_cover_a_pack_once_and_copy_only_pages_that_are_the_same(data: st.DataObject) -> None:
    page, size = data.draw(st.sampled_from([4, 64, 512])), data.draw(st.integers(1, 20_000))
    chunk = data.draw(st.integers(1, 1024)) * 4
    same = frozenset(data.draw(st.sets(st.integers(0, (size - 1) // page).map(lambda i: i * page))))
    at = begun = data.draw(st.integers(0, size))
    for start, end, copied in _pieces(begun, size, chunk, page, same):
        assert start == at < end <= size
        pages = range(start // page * page, end, page)
        assert copied == (start in same)
        assert all((each in same) == copied for each in pages if each >= start)
        assert end - start < COPIED + page if copied else end - start <= chunk
        at = end
    assert at == size


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_pages_are_the_same_only_where_both_packs_have_equal_bytes(old: bytes, new: bytes) -> None:
    sums = tuple(zlib.adler32(old[at : at + 512]) for at in range(0, len(old), 512))
    for at in Pages(4000, 512, len(old), sums).same(new + old):
        assert old[at : at + 512] == (new + old)[at : at + 512]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        bytes(11),
        wire.PAGES_ANSWER.pack(9, 0, 9),
        wire.PAGES_ANSWER.pack(9, 6, 9),
        wire.PAGES_ANSWER.pack(9, 512, 513) + bytes(4),
        wire.PAGES_ANSWER.pack(9, 512, 512) + bytes(8),
        wire.PAGES_ANSWER.pack(9, 512, 512),
        wire.PAGES_ANSWER.pack(9, 4, 1 << 31) + bytes(4),
    ],
)
def test_pages_that_cannot_be_are_refused(answer: bytes) -> None:
    answers = iter([answer, wire.PAGES_ANSWER.pack(9, 512, 513)])
    with raises(ProtocolError):
        read_pages(lambda command, payload: next(answers))


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_update_in_the_field_says_what_it_sends_and_what_it_overwrites(tmp_path: Path) -> None:
    packs = {"first": NET, "second": with_new_head(NET, 1), "large": LARGE, "third": NET}
    for name, model in packs.items():
        pack.save(replace(model, name=name), tmp_path / f"{name}.reds")
    with (
        cortex_m4.start(build.agent(build.EMULATED)) as emulator,
        TcpBoard(lambda: emulator.open(HARDWARE_ADVICE)) as there,
    ):
        file = tmp_path / "boards.toml"
        keys = f'target = "nano33ble"\nport = "{there.port}"\nemulated = true'
        file.write_text(f'[[board]]\nname = "field"\n{keys}\n')

        def update(name: str, *more: str) -> Result:
            words = ["--board", "field", "--boards", str(file), "--emulate", *more]
            return CliRunner().invoke(main, ["update", str(tmp_path / f"{name}.reds"), *words])

        def sent(result: Result) -> tuple[int, int]:
            assert (result.exit_code, result.stdout.count("\n")) == (0, 2), result.output
            assert "fast kernels (radix256) run all" in result.stdout
            found = re.search(r" ([\d,]+) of ([\d,]+) bytes", result.stdout)
            assert found
            return int(found[1].replace(",", "")), int(found[2].replace(",", ""))

        bytes_sent, size = sent(first := update("first", "--keep-old"))
        assert (bytes_sent, first.stderr) == (size, "")
        bytes_sent, size = sent(second := update("second", "--keep-old"))
        assert (bytes_sent < size, second.stderr) == (True, "")
        refused = update("large", "--keep-old")
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
        assert sent(update("second")) == (0, size), "a pack was sent that the board has"
        large, third = update("large"), update("third")
        for result in (large, third):
            bytes_sent, size = sent(result)
            assert (bytes_sent, result.stderr.count("\n")) == (size, 1)


def rot(board: Board, data: bytes) -> None:
    """Change a bit of the last byte of a pack, wherever the agent's process holds it."""
    transport = board._agent.transport
    assert isinstance(transport, ProcessTransport)
    process = Path(f"/proc/{transport._process.pid}")
    with (process / "mem").open("r+b", buffering=0) as memory:
        for line in (process / "maps").read_text().splitlines():
            if " rw-p " not in line:
                continue
            begin, end = (int(part, 16) for part in line.split()[0].split("-"))
            memory.seek(begin)
            held = (memory.read(end - begin) or b"").find(data)
            if held >= 0:
                memory.seek(begin + held + len(data) - 1)
                memory.write(bytes([data[-1] ^ 64]))
                return
    raise AssertionError("the pack is nowhere in the agent's memory")


def test_pack_of_which_a_bit_has_changed_is_stored_again(desktop: Board) -> None:
    data = check_capacity("desk", NET, desktop._hello.layouts, *desktop.room)
    desktop.deploy(NET)
    rot(desktop, data)
    stored = desktop.deploy(NET)
    assert 0 < stored.sent <= desktop._agent.pages().page
    assert answers_as(desktop, NET)


def test_reset_that_goes_back_to_the_pack_before_leaves_none_deployed(desktop: Board) -> None:
    """Else the outputs of the old pack would pass for those of the new one."""
    new = with_new_head(NET, 1)
    desktop.deploy(NET)
    desktop.deploy(new)
    desktop.select(1)
    desktop.reset()
    assert desktop.selected == 0
    assert answers_as(desktop, new)
    rot(desktop, check_capacity("desk", new, desktop._hello.layouts, *desktop.room))
    desktop.reset()
    with raises(PackRefused, board="desk"):
        desktop.infer(inputs(new, 1))
    desktop.deploy(new)
    assert answers_as(desktop, new)


def test_work_between_the_pieces_takes_none_of_the_time_of_an_update(
    desktop: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a governor that decides once in a minute does."""
    real, worked = time.monotonic, list[float]()
    monkeypatch.setattr("time.monotonic", lambda: real() + sum(worked))
    desktop.deploy(NET, lambda done: worked.append(60.0))
    assert len(worked) > 2
    assert answers_as(desktop, NET)
