"""Run `reds reproduce kws-dnn-s` with the recipe in `fixtures/recipes` of the current folder."""

import sys
from pathlib import Path
from unittest.mock import patch

from reds.cli import main

if __name__ == "__main__":
    with patch("reds.experiment.reproduce.run.fixtures_dir", lambda: Path("fixtures")):
        main(["reproduce", "kws-dnn-s", *sys.argv[1:]])
