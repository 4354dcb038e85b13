"""The training tests that matter on any processor pass as on lesser ones: torch takes other kernels there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processors import CAPS

HERE = Path(__file__).parent
TESTS = [
    "test_trace.py::test_from_a_module_to_a_pack_in_ten_lines",
    "test_elastic.py::test_importance_is_weight_times_summed_gradient",
    "test_elastic.py::test_a_subnet_computes_what_a_small_net_of_its_weights_does",
    "test_finetune.py::test_the_same_seed_gives_the_same_bits_and_another_seed_others",
    "test_quantize.py::test_every_kind_of_layer_follows_its_float",
    "test_quantize.py::test_a_rounded_net_computes_what_int8_does",
]


@pytest.mark.parametrize("cap", CAPS)
def test_training_passes_on_a_lesser_processor(cap: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, *(str(HERE / test) for test in TESTS)],
        env={**plain, **CAPS[cap]},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
