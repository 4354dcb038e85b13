"""Compile the test programs once a session."""

import pytest

from tests.support.tools import missing
from tests.targets.support.compilation import Compiler, shared


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The compiler of this machine's test programs."""
    if reason := missing("cc"):
        pytest.fail(reason)
    return Compiler(shared(tmp_path_factory, "objects"))
