"""Define the cycle table of the emulated Cortex-M4: the cost of each instruction, without wait states.

Cycles are an estimate, and labeled so (provenance `emulated`): a chip whose flash has wait states takes
longer. Every instruction costs one cycle. Some cost more (Arm Cortex-M4 TRM, DDI 0439, 3.3.1):

- a single load: 1, unless it follows another single load or store directly (they pipeline)
- LDM, STM, PUSH, POP and their floating-point forms: 1 a register
- LDRD, STRD: 2
- a division: 6, about the middle of its 2 to 12
- a taken branch: 1 (the plugin sees which are taken; refilling the pipeline takes 1 to 3)
"""

import struct
from pathlib import Path

LONG = 0x20
"""Flag of an instruction with four bytes."""
LOAD = 0x40
"""Flag of a single load, which costs 1 less after a single load or store."""
SINGLE = 0x80
"""Flag of a single load or store."""

_LOADS = ("ldr", "ldrb", "ldrsb", "ldrh", "ldrsh", "ldrex", "ldrexb", "ldrexh", "vldr")
_STORES = ("str", "strb", "strh", "strex", "strexb", "strexh", "vstr")
_MULTIPLE = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_CONDITIONAL = (*_LOADS, *_STORES, "ldrd", "strd")
_CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al")


def cost(mnemonic: str, operands: str) -> int:
    """Return the table's byte of one instruction: its cycles, with LOAD and SINGLE.

    `mnemonic` and `operands` are as capstone writes them, such as `ldm.w` and `r10!, {r4, r5, r6, r7}`.
    """
    name = mnemonic.split(".")[0]
    if name[-2:] in _CONDITIONS and name[:-2] in _CONDITIONAL:
        name = name[:-2]
    if name.startswith(_MULTIPLE):
        return 1 + _registers(operands)
    if name in _LOADS:
        return 2 | LOAD | SINGLE
    if name in _STORES:
        return 1 | SINGLE
    if name in ("ldrd", "strd"):
        return 3
    if name in ("tbb", "tbh"):
        return 2
    if name.startswith(("udiv", "sdiv")):
        return 7
    return 1


def _registers(operands: str) -> int:
    """Count the registers in a list such as `{r4, r6-r8, lr}`."""
    names = operands[operands.index("{") + 1 : operands.index("}")].split(",")
    total = 0
    for name in names:
        first, _, end = name.strip().partition("-")
        total += 1 if not end else int(end.strip()[1:]) - int(first.strip()[1:]) + 1
    return total


def table(code: bytes, base: int) -> bytes:
    """Return the plugin's table for `code` at `base`, with each halfword decoded as an instruction."""
    from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs

    decoder = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
    costs = bytearray()
    for at in range(0, len(code), 2):
        decoded = next(decoder.disasm_lite(code[at : at + 4], base + at, 1), None)
        four_bytes = code[at + 1 : at + 2] >= b"\xe8"  # Arm v7-M ARM, A5.1
        costs.append((cost(decoded[2], decoded[3]) if decoded else 1) | LONG * four_bytes)
    return struct.pack("<II", base, len(costs)) + bytes(costs)


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
