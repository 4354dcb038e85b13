"""Where it may not install system packages, the bootstrap says which ones are needed, and does nothing."""

import shutil
import subprocess
from pathlib import Path

BOOTSTRAP = Path(__file__).parents[1] / "ci" / "bootstrap"
TOOLS = ("bash", "cat", "cut", "dirname", "env", "id", "python3", "sha256sum")


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(BOOTSTRAP), *arguments]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def test_missing_system_packages_are_named(tmp_path: Path) -> None:
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(Path(found).resolve() if tool == "python3" else found)
    done = run(tmp_path, "bench")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("bootstrap: please install what Debian calls: ")
    assert done.stderr.count("\n") == 1
    for package in ("build-essential", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"):
        assert package in done.stderr


def test_it_says_how_it_is_used() -> None:
    done = subprocess.run(["bash", str(BOOTSTRAP)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: ci/bootstrap bench|test\n")
