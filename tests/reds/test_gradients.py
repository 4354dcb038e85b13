"""Hold every layer's gradients against its definition, on this processor and as on lesser ones."""

import os
import subprocess
import sys

import pytest

from tests.support.processors import CAPS

CHECKED = {"GLIBC_TUNABLES": "glibc.malloc.check=3", "LD_PRELOAD": "libc_malloc_debug.so.0"}
"""With these glibc ends a process that wrote past its memory, when it frees it."""


@pytest.mark.parametrize("cap", [{}, *CAPS.values()], ids=["as it is", *CAPS])
def test_every_layer_has_the_gradients_of_its_definition(cap: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tests.reds.support.gradients"]
    environment = {**os.environ, **CHECKED, "OMP_WAIT_POLICY": "passive", **cap}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
