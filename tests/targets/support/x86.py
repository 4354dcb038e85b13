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


def needs(family: str) -> None:
    """Skip the test where the processor lacks an instruction set of the family."""
    if platform.machine() != "x86_64":
        pytest.skip(f"{family}: this machine is {platform.machine()}")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    missing = FAMILIES[family] - set(flags)
    if missing:
        pytest.skip(f"{family}: this processor has no {', '.join(sorted(missing))}")
