"""Make hostile values, texts and trees: whatever a file can hold that nobody meant."""

import json
import math
import random
from typing import Any

TEXTS = (
    "",
    " ",
    "desk[/lab]",
    "desk [lab]",
    "[red]desk",
    "\x1b[2J\x1b[31m",
    "a\nb\rc",
    "a\x00b",
    "\u202egnp.exe",
    "`touch pwned`",
    "$(touch pwned)",
    "; touch pwned #",
    "' && touch pwned '",
    "| a | b |",
    "<script>alert(1)</script>",
    "</testsuite>&lol;",
    "../../../../etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/mem",
    "~nosuchuser/x",
    "-oProxyCommand=touch pwned",
    "%s%n{0}{name}",
    "25%",
    "\u00e9\u4e2d\U0001f600",
    "a" * 5000,
    "127.0.0.1",
    "nano33ble",
    "android",
    "pi",
)
_NUMBERS = (0, 1, -1, 7, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**63, -(2**63), 10**400)
_REALS = (0.0, -0.0, 0.5, -1.5, 1e-320, 1e308, math.inf, -math.inf, math.nan)


def value(rng: random.Random) -> Any:
    """Return any value that JSON and TOML can hold."""
    kinds = ("text", "text", "number", "real", "flag", "list", "table", "deep")
    match rng.choice(kinds):
        case "text":
            return rng.choice(TEXTS)
        case "number":
            return rng.choice(_NUMBERS)
        case "real":
            return rng.choice(_REALS)
        case "flag":
            return rng.random() < 0.5
        case "list":
            return [value(rng) for _ in range(rng.randrange(3))]
        case "table":
            return {rng.choice(TEXTS): value(rng) for _ in range(rng.randrange(3))}
    nested: Any = 0
    for _ in range(rng.choice((10, 200, 2000))):
        nested = [nested]
    return nested


def mutated_tree(tree: Any, rng: random.Random) -> Any:
    """Return a tree of tables and lists with one value replaced, removed, repeated or added."""
    if not isinstance(tree, dict | list) or not tree or rng.random() < 0.1:
        return value(rng)
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = rng.choice(keys)
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    what = rng.random()
    if what < 0.1:
        del copy[key]
    elif what < 0.2 and isinstance(copy, dict):
        copy[rng.choice(TEXTS)] = value(rng)
    elif what < 0.2:
        copy.append(copy[key])
    else:
        copy[key] = mutated_tree(tree[key], rng)
    return copy


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with a few flipped, cut, repeated or inserted."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                changed[at:at] = rng.choice(TEXTS).encode()
            case 3:
                changed[at:at] = changed[at : at + rng.randrange(200)]
            case _:
                changed[at:at] = rng.choice(
                    (b"[" * 5000, b"\xff\xfe", b"\xef\xbb\xbf", b"1" * 9000, b"nan", b"{")
                )
    return bytes(changed)


def toml(tree: dict[str, Any]) -> str:
    """Return a table as TOML, one inline value for each key."""
    return "".join(f"{_toml_text(key)} = {_toml(each)}\n" for key, each in tree.items())


def _toml(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_toml_text(key)} = {_toml(each)}" for key, each in tree.items()) + "}"
    if isinstance(tree, list):
        depth = 0
        while isinstance(tree, list) and len(tree) == 1:
            tree, depth = tree[0], depth + 1
        inner = ", ".join(map(_toml, tree)) if isinstance(tree, list) else _toml(tree)
        return "[" * depth + (f"[{inner}]" if isinstance(tree, list) else inner) + "]" * depth
    if isinstance(tree, float):
        return str(tree)
    return _toml_text(tree) if isinstance(tree, str) else json.dumps(tree)


def _toml_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def json_text(tree: Any) -> str:
    """Return a tree as JSON, however deep it is."""
    depth = 0
    while isinstance(tree, list) and len(tree) == 1:
        tree, depth = tree[0], depth + 1
    try:
        return "[" * depth + json.dumps(tree) + "]" * depth
    except RecursionError:
        return "[" * 2000
