"""Settings of the whole run.

Examples of hypothesis have no deadline. Imported libraries are exempt from garbage collection. Tests whose
tools are missing are skipped with the packages to install, and `-m "not cross and not qemu"` leaves them out.
Tests marked `long` run with `make long` and at night.
"""

import gc
import os
import sys
from tempfile import TemporaryDirectory

import pytest

try:
    from hypothesis import settings
except ModuleNotFoundError:  # as in the environment of `make bench`
    sys.exit(
        "the tests need more than a bench: run `ci/bootstrap test`, or bench with `pytest hil --emulate`"
    )

from tests.support.tools import missing

KEPT = TemporaryDirectory(prefix="reds-hil-tests-")
"""Data folder of all runs that tests start: none is kept among the user's own."""
os.environ |= {"XDG_DATA_HOME": KEPT.name, "HIL_STORE": "none"}

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Exempt the libraries' objects from garbage collection: a pytester test collects in full five times."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked `long`, unless `-m` has the word, or a test is named on the command line."""
    if "long" in config.option.markexpr or any("::" in word for word in config.args):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `cross` or `qemu` where one of the tools its mark names is missing."""
    for mark in (*item.iter_markers("cross"), *item.iter_markers("qemu")):
        if reason := missing(*mark.args):
            pytest.skip(reason)
