"""Compile the test programs once a session."""

import ctypes

import pytest

from tests.support.tools import missing
from tests.targets.support.compilation import Compiler, shared
from tests.targets.support.fuzz.differential import build


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The compiler of this machine's test programs."""
    if reason := missing("cc"):
        pytest.fail(reason)
    return Compiler(shared(tmp_path_factory, "objects"))


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The runtime as a library, with the portable kernels alone."""
    if reason := missing("cc"):
        pytest.fail(reason)
    return build(tmp_path_factory.mktemp("runtime"))
