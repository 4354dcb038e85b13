"""Which of the x86 families this machine's processor can run."""

import platform
from pathlib import Path

import pytest

FAMILIES = {
    "reds_x86_avx512": {"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "bmi2"},
    "reds_x86_avxvnni": {"avx2", "avx_vnni"},
    "reds_x86_avx2": {"avx2"},
}
"""C names, and the flags that Linux lists for a processor that has them."""


def needs(family: str) -> None:
    """Skip where the processor lacks what the family is made of."""
    if platform.machine() != "x86_64":
        pytest.skip(f"{family}: this machine is {platform.machine()}")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    missing = FAMILIES[family] - set(flags)
    if missing:
        pytest.skip(f"{family}: this processor has no {', '.join(sorted(missing))}")
