"""Check names: text that a terminal or a report cannot take for a command.

A name is printed where people and programs read it. Control characters could forge a line or move the cursor,
and format characters could turn the direction of the text around.
"""

import re

from reds.pack.validate.expect import expect

UNPRINTABLE = (
    (0x0, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F),
    (0x890, 0x891), (0x8E2, 0x8E2), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200F), (0x2028, 0x202F),
    (0x205F, 0x206F), (0x3000, 0x3000), (0xD800, 0xF8FF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
"""First and last of each range of characters that no name has: controls, format characters, spaces other than
U+0020, surrogates and private use. `targets/runtime/check_name.c` has the same."""
_UNPRINTABLE = re.compile("[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in UNPRINTABLE) + "]")


def validate_name(what: str, name: str, most: int) -> None:
    """Check that a name is printable and fits its field.

    Args:
        what: The name as errors call it, quoted.
        name: The name.
        most: Bytes of UTF-8 that the field holds.

    Raises:
        ModelError: A rule is broken.
    """
    found = _UNPRINTABLE.search(name)
    if found:
        expect(False, f"{what} has the character U+{ord(found[0]):04X}: only printable ones are possible")
    size = len(name.encode())
    expect(0 < size <= most, f"{what} has {size} bytes: 1 to {most} are needed")


def is_name(name: str, most: int) -> bool:
    """Return whether a text is printable and has 1 to `most` bytes of UTF-8."""
    return not _UNPRINTABLE.search(name) and 0 < len(name.encode()) <= most
