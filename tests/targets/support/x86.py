"""The x86 kernel families, and whether this machine's processor can run them."""

import platform
from pathlib import Path

import pytest

FAMILIES = {
    "reds_x86_avx512": {"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "bmi2"},
    "reds_x86_avxvnni": {"avx2", "avx_vnni"},
    "reds_x86_avx2": {"avx2"},
}
"""C name of each family, and the processor flags it needs, as Linux names them."""


STAND_INS = {"reds_x86_avxvnni": Path(__file__).parent / "stubs/avxvnni.h"}
"""What is included before a family's source to run its kernels on AVX2, where the processor has no more."""


def missing(family: str) -> set[str]:
    """Return the flags that this processor lacks for a family."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return FAMILIES[family] - set(flags)


def stand_in(family: str) -> Path | None:
    """Return the header that lets this processor run a family it lacks the instructions for."""
    return STAND_INS.get(family) if missing(family) else None


def needs(family: str) -> None:
    """Skip where the processor can run neither a family nor its stand-in."""
    if platform.machine() != "x86_64":
        pytest.skip(f"{family}: this machine is {platform.machine()}")
    lacks = missing("reds_x86_avx2" if family in STAND_INS else family)
    if lacks:
        pytest.skip(f"{family}: this processor has no {', '.join(sorted(lacks))}")
