"""The wheel holds all that a bench needs: packs, clips, agents' sources, the suite itself."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is unpacked in, as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder


def test_the_suite_runs_from_it(installed: Path) -> None:
    results = installed / "results.jsonl"
    command = [sys.executable, "-m", "pytest", "--pyargs", "hil", "--target=desktop", f"--results={results}"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "site/hil/suite/test_switch.py" in done.stdout
    assert '"metric": "accuracy"' in results.read_text()


def test_it_holds_what_the_emulated_boards_are_made_of(installed: Path) -> None:
    files = Path("hil", "emulators", "arm64_files")
    held, wanted = (
        {path.relative_to(root) for path in (root / files).rglob("*") if path.is_file()}
        for root in (installed / "site", ROOT)
    )
    assert files / "pi" / "init" in held
    assert held == wanted


def test_it_holds_sources_only(installed: Path) -> None:
    suffixes = {path.suffix for path in (installed / "site").rglob("*") if path.is_file()}
    assert not suffixes & {".o", ".elf", ".pyc", ".so", ".map"}
