"""Find the trace that a user names: a file or a generator, each with settings after a colon."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hil.errors import TraceError
from hil.replay.generators import KINDS, Natural, generator
from hil.replay.numbers import Key, read_numbers
from hil.replay.trace import Trace
from hil.replay.trace_file import read_trace
from reds.reading import user_path
from reds.spelling import did_you_mean
from reds.text import printable

Source = Callable[[Natural], Trace]
"""Makes the trace for a pack on a board, as a generator fits its power to them."""
_SETTINGS = re.compile(r"(?P<file>.+):(?P<settings>[a-z]+=[^/\\]*)")
_KEYS = {
    "ohms": Key.of("0.001", "1e12"),
    "seconds": Key.of("0.001", "31536000"),
    "mw": Key.of("0.001", "100000"),
}


def source(text: str) -> Source:
    """Return the source of a trace.

    Args:
        text: A generator, as `solar:seed=1`, or a file with its settings, as `walk.txt:ohms=30000` or
            `day.csv:seconds=60,mw=2`: `seconds` is the length that it gets, `mw` its largest power.

    Raises:
        TraceError: The file or a setting cannot be used.
    """
    name, colon, _ = text.partition(":")
    if name in KINDS and (colon or not Path(name).exists()):
        try:
            return generator(text)
        except ValueError as error:
            raise TraceError(f"--trace {printable(text)}: {error}") from None
    found = _SETTINGS.fullmatch(text)
    try:
        path = user_path(found["file"] if found else text)
        if not path.exists() and not path.suffix:
            raise ValueError(f"there is no such file or generator; {did_you_mean(name, KINDS)}")
        given = read_numbers(found["settings"] if found else "", _KEYS)
    except ValueError as error:
        raise TraceError(f"--trace {printable(text)}: {error}") from None
    ohms = float(given["ohms"]) if "ohms" in given else None
    trace = read_trace(path, ohms, int(given["mw"] * 1000) if "mw" in given else None)
    if "seconds" in given:
        length = int(given["seconds"] * 1_000_000)
        us = np.array([at * length // trace.length_us for at in trace.us.tolist()], np.int64)
        if np.any(np.diff(us) <= 0):
            rows = f"{len(us):,} rows do not fit {float(given['seconds']):g} s"
            raise TraceError(f"{rows}, a microsecond apart; write more seconds", file=path)
        trace = replace(trace, us=us)
    settled = f"{trace.name}:{found['settings']}" if found else trace.name
    return lambda natural: replace(trace, name=printable(settled))
