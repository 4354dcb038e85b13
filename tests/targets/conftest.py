"""Skip tests whose tools are missing, and compile the test programs once a session."""

import pytest

from tests.targets.support.compilation import Compiler, shared
from tests.targets.support.tools import missing


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `cross` or `qemu` where one of the tools its mark names is missing."""
    for mark in (*item.iter_markers("cross"), *item.iter_markers("qemu")):
        if reason := missing(*mark.args):
            pytest.skip(reason)


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The compiler of this machine's test programs."""
    if reason := missing("cc"):
        pytest.fail(reason)
    return Compiler(shared(tmp_path_factory, "objects"))
