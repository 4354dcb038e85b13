"""Run `reds reproduce kws-dnn-s` with the recipes of the folder `fixtures`: `python -m tests.chaos.short_reproduce`."""

import sys
from pathlib import Path
from unittest.mock import patch

from reds.cli import main

if __name__ == "__main__":
    with patch("reds.experiment.reproduce.run.fixtures_dir", lambda: Path("fixtures")):
        main(["reproduce", "kws-dnn-s", *sys.argv[1:]])
