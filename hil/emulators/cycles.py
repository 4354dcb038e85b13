"""Define the cycle table of the emulated Cortex-M4, and the wait states of the Nano's flash.

Both figures are estimates, and labeled so (provenance `emulated`). The cycles of the table have no wait
states. Every instruction costs one cycle. Some cost more (Arm Cortex-M4 TRM, DDI 0439, 3.3.1):

- a single load: 1, unless it follows another single load or store directly (they pipeline)
- LDM, STM, PUSH, POP and their floating-point forms: 1 a word
- LDRD, STRD: 2
- a division: 6, about the middle of its 2 to 12
- a taken branch: 1 (the plugin sees which are taken; refilling the pipeline takes 1 to 3)

`with_waits` adds the wait states of data that is read from flash. It takes an access to flash for 2 wait
states, and the cache of the NVMC for one of instructions only. Both are from memory of the nRF52840's product
specification (chapters CPU and NVMC): they were not checked against its present revision, nor measured on a
board. So each word of data that is read from flash waits, however often it is read. The model assumes that
the cache is on and holds the loops of an inference: instructions do not wait. It knows no buffer that serves
neighboring words faster.
"""

import struct
from pathlib import Path

COST = 0x3F
"""Bits that hold the cycles of an instruction."""
LONG = 0x40
"""Flag of an instruction with four bytes."""
LOAD = 0x80
"""Flag of a single load, which costs 1 less after a single load or store."""
SINGLE = 0x100
"""Flag of a single load or store."""
READS = 0x200
"""Flag of an instruction that may read flash: a load from any address but the stack."""
WAIT_STATES = 2
"""Cycles by which each word of data from flash is late; not checked against the specification."""

_LOADS = ("ldr", "ldrb", "ldrsb", "ldrh", "ldrsh", "ldrex", "ldrexb", "ldrexh", "vldr")
_STORES = ("str", "strb", "strh", "strex", "strexb", "strexh", "vstr")
_MULTIPLE = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_CONDITIONAL = (*_LOADS, *_STORES, "ldrd", "strd")
_CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al")


def with_waits(cycles: int, flash_words: int) -> int:
    """Return cycles and the wait states of so many words that are read from flash."""
    return cycles + WAIT_STATES * flash_words


def cost(mnemonic: str, operands: str) -> int:
    """Return the table's entry of one instruction: its cycles, with LOAD, SINGLE and READS.

    `mnemonic` and `operands` are as capstone writes them, such as `ldm.w` and `r10!, {r4, r5, r6, r7}`.
    """
    name = mnemonic.split(".")[0]
    if name[-2:] in _CONDITIONS and name[:-2] in _CONDITIONAL:
        name = name[:-2]
    reads = 0 if "[sp" in operands or operands.startswith("sp") else READS
    if name.startswith(_MULTIPLE):
        return 1 + _words(operands) | reads * name.startswith(("ldm", "vldm"))
    if name in _LOADS:
        return (3 if name == "vldr" and operands.startswith("d") else 2) | LOAD | SINGLE | reads
    if name in _STORES:
        return 1 | SINGLE
    if name in ("ldrd", "strd"):
        return 3 | reads * (name == "ldrd")
    if name in ("tbb", "tbh"):
        return 2 | READS
    if name.startswith(("udiv", "sdiv")):
        return 7
    return 1


def _words(operands: str) -> int:
    """Count the words of the registers in a list such as `{r4, r6-r8, lr}` or `{d8}`."""
    names = operands[operands.index("{") + 1 : operands.index("}")].split(",")
    total = 0
    for name in names:
        first, _, end = name.strip().partition("-")
        registers = 1 if not end else int(end.strip()[1:]) - int(first.strip()[1:]) + 1
        total += registers * (2 if first.startswith("d") else 1)
    return total


def table(code: bytes, base: int) -> bytes:
    """Return the plugin's table for `code` at `base`, with each halfword decoded as an instruction."""
    from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs

    decoder = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
    costs = list[int]()
    for at in range(0, len(code), 2):
        decoded = next(decoder.disasm_lite(code[at : at + 4], base + at, 1), None)
        four_bytes = code[at + 1 : at + 2] >= b"\xe8"  # Arm v7-M ARM, A5.1
        costs.append((cost(decoded[2], decoded[3]) if decoded else 1) | LONG * four_bytes)
    return struct.pack(f"<II{len(costs)}H", base, len(costs), *costs)


def symbol_and_table(elf: Path, symbol: str) -> tuple[int, bytes]:
    """Return the address of a Thumb function in an ELF file, and the table of the file's `.text`.

    Raises:
        ValueError: The file lacks the function. Other files raise elftools' `ELFError`.
    """
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with elf.open("rb") as file:
        image = ELFFile(file)
        text, symtab = image.get_section_by_name(".text"), image.get_section_by_name(".symtab")
        found = symtab.get_symbol_by_name(symbol) if isinstance(symtab, SymbolTableSection) else None
        if text is None or not found:
            raise ValueError(f"it has no function {symbol}")
        return int(found[0]["st_value"]) & ~1, table(text.data(), int(text["sh_addr"]))
