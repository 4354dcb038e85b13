"""The training tests that matter on any processor pass as on lesser ones: torch takes other kernels there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processors import CAPS

pytestmark = pytest.mark.long
HERE = Path(__file__).parent
FILES = ["test_compress.py", "test_elastic.py", "test_quantize.py", "test_trainer.py"]
"""Files that have tests marked `lesser`."""


@pytest.mark.parametrize("cap", CAPS)
def test_training_passes_on_a_lesser_processor(cap: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "-m", "lesser", *(str(HERE / file) for file in FILES)],
        env={**plain, **CAPS[cap]},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
