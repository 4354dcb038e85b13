"""The wheel holds all that a bench needs: packs, clips, agents' sources, the suite itself."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from reds.commands import EXTRAS

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
    command = [sys.executable, "-m", "pytest", "--pyargs", "hil", "--target=desktop", "--samples=5"]
    command += [f"--results={results}", f"--store={installed / 'runs.sqlite'}"]  # its migrations travel too
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
    assert '"metric":"accuracy"' in results.read_text()
    assert f"in {installed / 'runs.sqlite'}" in done.stdout


def run_with_the_base_only(installed: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the wheel where no extra is installed."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({tuple(EXTRAS)!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + program],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed / "site")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_base_install_reads_runs_and_inspects_a_pack(installed: Path) -> None:
    program = """
import numpy, hil, reds
from reds.fixtures import fixtures_dir
file = fixtures_dir() / "kws-dnn-s.reds"
pack = reds.load(file)
print(pack.run(numpy.zeros((1, 250), numpy.int8), subnet="25%").shape, hil.__version__ == reds.__version__)
from reds.cli import main
main(["inspect", str(file)])
"""
    done = run_with_the_base_only(installed, program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(1, 12) True")
    assert "25%" in done.stdout


def test_base_install_names_the_extra_that_a_board_or_training_needs(installed: Path) -> None:
    board = run_with_the_base_only(installed, "from hil.cli import main; main(['boards'])")
    assert board.stderr.endswith(" is missing: a board needs `pip install 'reds-hil[hil]'`\n")
    build = f"from reds.cli import main; main(['build', {str(ROOT / 'fixtures/recipes/kws-dnn-s.toml')!r}])"
    assert run_with_the_base_only(installed, build).stderr.endswith("needs `pip install 'reds-hil[train]'`\n")


def test_doctor_of_the_base_install_names_the_extra_and_has_its_udev_rules(installed: Path) -> None:
    done = run_with_the_base_only(installed, "from hil.cli import main; main(['doctor'])")
    assert (done.returncode, done.stderr) == (1, "")
    assert "pip install 'reds-hil[hil]'" in done.stdout
    assert (installed / "site/hil/doctor/60-reds-hil.rules").is_file()


def test_base_requires_what_it_imports_and_each_extra_what_it_is_for(installed: Path) -> None:
    (metadata,) = (installed / "site").glob("reds_hil-*.dist-info/METADATA")
    required = re.findall(
        r"^Requires-Dist: ([\w-]+).*?(?:extra == '(\w+)')?$", metadata.read_text(), re.MULTILINE
    )
    assert {name for name, extra in required if not extra} == {"click", "numpy", "platformdirs", "rich"}
    of_hil = {name for name, extra in required if extra == "hil"}
    assert of_hil >= {"adb-shell", "cobs", "paramiko", "pyserial", "pytest", "pytest-xdist"}
    assert not of_hil & {"torch", "ortools", "platformio"}


def test_wheel_types_both_packages_and_installs_both_commands(installed: Path) -> None:
    site = installed / "site"
    assert (site / "reds/py.typed").is_file()
    assert (site / "hil/py.typed").is_file()
    (points,) = site.glob("reds_hil-*.dist-info/entry_points.txt")
    assert {"hil = hil.cli:main", "reds = reds.cli:main"} <= set(points.read_text().splitlines())
    opener = "[reds.boards]\nhil = hil.kernels.build_board:opened\n"
    assert opener in points.read_text(), "`reds build --board` finds what opens boards"


@pytest.mark.parametrize(
    ("folder", "place"),
    [("fixtures/traces", "reds/_data/fixtures/traces"), ("targets/governor", "hil/_data/targets/governor")],
)
def test_it_holds_the_shipped_trace_and_the_governor(installed: Path, folder: str, place: str) -> None:
    wanted = {path.name for path in (ROOT / folder).iterdir()}
    assert {path.name for path in (installed / "site" / place).iterdir()} == wanted != set()


def test_it_holds_what_the_emulated_boards_are_made_of(installed: Path) -> None:
    files = Path("hil", "emulators", "arm64_files")
    held, wanted = (
        {path.relative_to(root) for path in (root / files).rglob("*") if path.is_file()}
        for root in (installed / "site", ROOT)
    )
    assert files / "pi" / "init" in held
    assert held == wanted


def test_it_holds_sources_only(installed: Path) -> None:
    with zipfile.ZipFile(next(installed.glob("*.whl"))) as wheel:  # programs leave .pyc in the folder
        suffixes = {Path(name).suffix for name in wheel.namelist()}
    assert not suffixes & {".o", ".elf", ".pyc", ".so", ".map"}
