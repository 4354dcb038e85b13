"""Name the test of a process that dies, and the lines where it did, in a file.

`pytest -p tests.support.running` loads it. A crash of native code leaves no report: `make test` prints the
files that are left in the end.
"""

import faulthandler
import os
from pathlib import Path

import pytest

FOLDER = "results/running"


class Running:
    """Writes the name of the running test into a file of this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{os.getpid()}.txt"
        self.file = self.path.open("w", encoding="utf-8")
        faulthandler.enable(self.file)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"died in {item.nodeid}\n")
        self.file.flush()

    def pytest_unconfigure(self) -> None:
        faulthandler.disable()
        self.file.close()
        self.path.unlink()


@pytest.hookimpl(trylast=True)  # after pytest's own faulthandler, which writes to standard error
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Running(config.rootpath / FOLDER))
