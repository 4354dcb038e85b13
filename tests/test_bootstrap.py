"""Where it may not install system packages, the bootstrap says which ones are needed, and does nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[1] / "ci" / "bootstrap"
TOOLS = ("bash", "cat", "cut", "dirname", "env", "id", "python3", "sha256sum")


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(BOOTSTRAP), *arguments]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


BENCH = {"build-essential", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"}
TEST = BENCH | {"gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"}


@pytest.mark.parametrize(("environment", "packages"), [("bench", BENCH), ("test", TEST)])
def test_missing_system_packages_are_named(tmp_path: Path, environment: str, packages: set[str]) -> None:
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(Path(found).resolve() if tool == "python3" else found)
    done = run(tmp_path, environment)
    assert done.returncode == 1
    assert done.stdout == ""
    said, _, named = done.stderr.partition("install what Debian calls: ")
    assert said == "bootstrap: please "
    assert named.count("\n") == 1
    assert set(named.split()) - {"python3", "python3-venv"} == packages


def test_it_says_how_it_is_used() -> None:
    done = subprocess.run(["bash", str(BOOTSTRAP)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: ci/bootstrap bench|test\n")
