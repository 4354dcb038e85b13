"""Test the cycle table: each rule alone, then as the emulator counts it."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.emulators import cortex_m4, cycles
from hil.emulators.cycles import COST, LOAD, READS, SINGLE
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.transports.deadline import Deadline
from hil.transports.serial import HARDWARE_ADVICE
from reds import pack
from tests.hil.support.raising import raises
from tests.support.nets import dense_model, inputs

TABLE = [
    ("adds", "r0, r0, #1", 1),
    ("smlad", "r0, r4, r8, r0", 1),
    ("ldr", "r0, [r1]", 2 | LOAD | SINGLE | READS),
    ("ldr", "r0, [pc, #4]", 2 | LOAD | SINGLE | READS),
    ("ldr", "r0, [sp, #4]", 2 | LOAD | SINGLE),
    ("ldrsb.w", "r0, [r1], #1", 2 | LOAD | SINGLE | READS),
    ("ldrne", "r0, [r1]", 2 | LOAD | SINGLE | READS),
    ("str.w", "r0, [r1, #4]", 1 | SINGLE),
    ("vldr", "s0, [r1]", 2 | LOAD | SINGLE | READS),
    ("vldr", "d0, [r1]", 3 | LOAD | SINGLE | READS),
    ("vldmia", "r0!, {s0, s1, s2}", 4 | READS),
    ("vpush", "{d8, d9}", 5),
    ("ldm.w", "r10!, {r4, r5, r6, r7}", 5 | READS),
    ("stmdb", "sp!, {r4-r11, lr}", 10),
    ("push", "{r4, lr}", 3),
    ("pop.w", "{r4, r5, r6, r7, r8, r9, r10, r11, pc}", 10),
    ("ldrd", "r8, r9, [r11], #8", 3 | READS),
    ("strdne", "r8, r9, [r11], #8", 3),
    ("udiv", "r0, r1, r2", 7),
    ("bne", "#0x100", 1),
    ("tbb", "[pc, r0]", 2 | READS),
]


@pytest.mark.parametrize(("mnemonic", "operands", "cost"), TABLE, ids=[row[0] for row in TABLE])
def test_cost_of_an_instruction(mnemonic: str, operands: str, cost: int) -> None:
    assert cycles.cost(mnemonic, operands) == cost


@given(code=st.binary(max_size=60), base=st.integers(0, 1 << 20).map(lambda n: 2 * n))
def test_any_bytes_have_a_table(code: bytes, base: int) -> None:
    head, costs = _read(cycles.table(code, base))
    assert head == (base, (len(code) + 1) // 2)
    assert all(c & COST for c in costs)


def test_table_flags_instructions_of_four_bytes() -> None:
    code = bytes.fromhex("0130 b1fbf2f0 7047".replace(" ", ""))  # adds, udiv (four bytes), bx
    assert [bool(c & cycles.LONG) for c in _read(cycles.table(code, 0))[1]] == [False, True, True, False]


def _read(table: bytes) -> tuple[tuple[int, int], list[int]]:
    """Return the base and the length in the head of a table, and its entries."""
    base, n = struct.unpack_from("<II", table)
    return (base, n), list(struct.unpack_from(f"<{n}H", table, 8))


def test_waits_are_added_for_each_word_of_flash() -> None:
    assert cycles.with_waits(100, 7) == 100 + 7 * cycles.WAIT_STATES


# An inference that is only this code, and what it costs: (name, assembler, instructions, cycles).
CODE = [
    ("alu", "adds r0, #1\n adds r0, #1\n adds r0, #1", 3, 3),
    ("load alone", "ldr r0, [sp]\n adds r0, #1", 2, 3),
    ("two loads", "ldr r0, [sp]\n ldr r1, [sp]", 2, 3),
    ("load behind a store", "str r0, [sp, #-4]\n ldr r1, [sp]", 2, 2),
    ("load behind an add", "ldr r0, [sp]\n adds r0, #1\n ldr r1, [sp]", 3, 5),
    ("multiple", "ldm sp, {r0-r3}\n ldr r1, [sp]", 2, 7),
    ("double", "ldrd r0, r1, [sp]", 1, 3),
    ("divide", "movs r1, #3\n udiv r0, r0, r1", 2, 8),
    ("jump", "b 1f\n nop\n1: nop", 2, 3),
    ("not taken", "cmp r0, r0\n bne 1f\n nop\n1: nop", 4, 4),
    ("loop of three", "movs r0, #3\n1: subs r0, #1\n bne 1b", 7, 9),
    ("load at a branch's target", "ldr r1, [sp]\n b 1f\n nop\n1: ldr r0, [sp]", 3, 6),
    ("over the ends of pages", ".rept 600\n adds.w r0, r0, #1\n .endr", 600, 600),
    ("over them, the other way", "adds r0, #1\n .rept 600\n adds.w r0, r0, #1\n .endr", 601, 601),
    ("loads over the ends of pages", ".rept 600\n ldr.w r0, [sp]\n .endr", 600, 601),
    ("load across the end of a block", "cmp r0, r0\n ldr r1, [sp]\n bne 1f\n1: ldr r0, [sp]", 4, 6),
]

# An inference that is only this code, and the words that it reads from flash, which begins at 0.
READING = [
    ("word of flash", "movs r0, #0\n ldr r1, [r0]", 1),
    ("byte of flash", "movs r0, #0\n ldrb r1, [r0, #3]", 1),
    ("half in two words", "movs r0, #0\n ldrh r1, [r0, #3]", 2),
    ("multiple of flash", "movs r0, #0\n ldm r0, {r0-r3}", 4),
    ("double of flash", "movs r0, #0\n ldrd r0, r1, [r0]", 2),
    ("literal", "ldr r0, 1f\n b 2f\n .align 2\n1: .word 7\n2:", 1),
    ("loop of three, across words", "movs r0, #3\n1: ldr r1, [r0, #5]\n subs r0, #1\n bne 1b", 5),
    ("word of the stack", "ldr r0, [sp]", 0),
    ("word of RAM", "mov r0, sp\n ldr r0, [r0]", 0),
    ("store to RAM", "mov r0, sp\n str r0, [r0, #-4]", 0),
]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int, int]]:
    """Instructions, cycles and words of flash of each piece on the emulated board, less those of none.

    The subnets of one agent are the pieces: `reds_run` runs the piece of the selected subnet.
    """
    named = [*((name, code) for name, code, *_ in CODE), *((name, code) for name, code, _ in READING)]
    pieces = ["", *(code for _, code in named)]
    functions = "\n".join(
        f"__attribute__((naked, noinline)) static void piece{i}(void) "
        f'{{ __asm volatile("{_flat(code)}\\n bx lr"); }}'
        for i, code in enumerate(pieces)
    )
    names = ", ".join(f"piece{i}" for i in range(len(pieces)))
    source = tmp_path_factory.mktemp("pieces") / "pieces.c"
    source.write_text(
        '#include "../../../runtime/reds.h"\n'
        "reds_status __real_reds_select(reds_model *, uint32_t);\n"
        "reds_status __wrap_reds_select(reds_model *, uint32_t);\n"
        "void __wrap_reds_run(const reds_model *);\n"
        f"{functions}\n"
        f"static void (*const pieces[])(void) = {{{names}}};\n"
        "static void (*volatile piece)(void) = piece0;\n"
        "reds_status __wrap_reds_select(reds_model *model, uint32_t subnet)\n"
        "{ piece = pieces[subnet]; return __real_reds_select(model, subnet); }\n"
        "void __wrap_reds_run(const reds_model *model) { (void)model; piece(); }\n"
    )
    model = dense_model([4, len(pieces)], [[i + 1] for i in range(len(pieces))])
    with cortex_m4.start(build.agent(build.EMULATED, source)) as emulator:
        agent = Agent(emulator.open(HARDWARE_ADVICE), "emulated nano33ble")
        try:
            hello = agent.hello(Deadline.after(10))
            agent.put_pack(pack.dumps(model), hello.max_payload, lambda _: None)
            agent.inputs(1, inputs(model, 1).tobytes())
            ticks = []
            for subnet in range(len(pieces)):
                timed = [agent.measure(subnet, clock, 3, 10) for clock in range(3)]
                assert all(len(set(t.samples)) == 1 for t in timed), "emulated counts differ between samples"
                ticks.append([int.from_bytes(t.samples[0], "little") - t.overhead for t in timed])
        finally:
            agent.close()
    empty = ticks[0]
    found = {"nothing": (empty[0], empty[1], empty[2])}
    return found | {
        name: (t[0] - empty[0], t[1] - empty[1], t[2] - empty[2])
        for (name, _), t in zip(named, ticks[1:], strict=True)
    }


def _flat(code: str) -> str:
    return "\\n ".join(line.strip() for line in code.splitlines())


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize(
    ("name", "instructions", "cost"), [(n, i, c) for n, _, i, c in CODE], ids=[n for n, *_ in CODE]
)
def test_emulator_counts_instructions_and_cycles_of_code(
    counted: dict[str, tuple[int, int, int]], name: str, instructions: int, cost: int
) -> None:
    assert counted[name][:2] == (instructions, cost)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize(("name", "words"), [(n, w) for n, _, w in READING], ids=[n for n, *_ in READING])
def test_emulator_counts_words_of_flash(
    counted: dict[str, tuple[int, int, int]], name: str, words: int
) -> None:
    assert counted[name][2] == words


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_reading_the_clock_is_not_counted(counted: dict[str, tuple[int, int, int]]) -> None:
    """An empty inference is a call and a return through two functions. Reading a clock takes more."""
    instructions, cost, _ = counted["nothing"]
    assert 0 < instructions < 12
    assert instructions < cost < 24


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_file_that_is_not_an_agent_is_refused(tmp_path: Path) -> None:
    from hil.errors import EmulatorError

    other = tmp_path / "other.elf"
    other.write_bytes(b"not an ELF file")
    with raises(EmulatorError):
        cortex_m4.start(other)
