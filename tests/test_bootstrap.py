"""The bootstrap says which packages it may not install, and does nothing; a run cut off is begun again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[1] / "ci" / "bootstrap"
TOOLS = ("basename", "bash", "cat", "cut", "dirname", "env", "id", "python3", "readlink", "sha256sum")


def run(path: Path, *arguments: str, system: str = "debian") -> subprocess.CompletedProcess[str]:
    release = path / "os-release"
    release.write_text(f"NAME='Some system'\nID={system}\n")
    command, env = ["bash", str(BOOTSTRAP), *arguments], {"PATH": str(path), "OS_RELEASE": str(release)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NANO = {"build-essential", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"}
PI = {"gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "mmdebstrap"}
RISCV = {"gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"}
BENCH = NANO | PI | RISCV | (set() if KEYRING.exists() else {"debian-archive-keyring"})
CROSS = {"gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"}
SERVERS = set() if list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) else {"postgresql"}
SERVERS |= {"openssh-server", "adb", "ser2net"}
TEST = BENCH | CROSS | SERVERS | {"qemu-user", "openssh-client", "cpio", "clang", "cmake"}
TEST |= {"chromium", "fonts-dejavu-core"}


@pytest.mark.parametrize("snap", [False, True])
@pytest.mark.parametrize(
    ("environment", "system", "packages"),
    [
        ("bench", "debian", BENCH),
        ("night", "ubuntu", BENCH),
        ("test", "debian", TEST),
        ("test", "ubuntu", TEST - {"chromium", "fonts-dejavu-core"}),
    ],
)
def test_missing_system_packages_are_named(
    tmp_path: Path, environment: str, system: str, packages: set[str], snap: bool
) -> None:
    if snap:  # what Ubuntu calls chromium
        script(tmp_path / "snap", "")
        (tmp_path / "chromium").symlink_to("snap")
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(Path(found).resolve() if tool == "python3" else found)
    done = run(tmp_path, environment, system=system)
    assert done.returncode == 1
    assert done.stdout == ""
    said, _, named = done.stderr.partition("install what Debian calls: ")
    assert said == "bootstrap: please "
    assert named.count("\n") == 1
    assert set(named.split()) - {"python3", "python3-venv"} == packages


WITHOUT_HYPOTHESIS = """
import sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hypothesis":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Lacking())
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_tests_in_the_environment_of_a_bench_say_in_one_line_what_they_need() -> None:
    command = [sys.executable, "-c", WITHOUT_HYPOTHESIS, "--emulate", "-p", "no:hypothesispytest"]
    done = subprocess.run(command, cwd=BOOTSTRAP.parents[1], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "`ci/bootstrap test`" in line


CUT_OFF = '#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n'
WHOLE = '#!/bin/sh\necho "$*" >>calls\n'
MAKES_VENV = f"""#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 0
echo "$*" >>calls
mkdir -p .venv/bin .venv/labgrid/bin && for name in python hil npm ../labgrid/bin/python; do
    printf '%s' '{WHOLE}' >.venv/bin/$name && chmod +x .venv/bin/$name
done
"""


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("left", [None, CUT_OFF, WHOLE], ids=["nothing", "cut off", "whole"])
def test_interrupted_first_run_starts_again(left: str | None, tmp_path: Path) -> None:
    """Stand in for Python by a script that makes a virtual environment of scripts."""
    project, tools = tmp_path / "project", tmp_path / "tools"
    script(project / "ci" / "bootstrap", BOOTSTRAP.read_text())
    for name in ("pyproject.toml", "ci/constraints.txt", "ci/package-lock.json"):
        (project / name).touch()
    script(tools / "python3", MAKES_VENV)
    for name in ("arm-none-eabi-gcc", "aarch64-linux-gnu-gcc", "riscv64-unknown-elf-gcc"):
        script(tools / name, "#!/bin/sh\necho /\n")
    for name in ("cc", "qemu-system-arm", "qemu-system-aarch64", "qemu-system-riscv32", "mmdebstrap"):
        script(tools / name, "#!/bin/sh\n")
    if left:
        script(project / ".venv" / "bin" / "python", left)
        script(project / ".venv" / "bin" / "hil", left)
    command = ["bash", str(project / "ci" / "bootstrap"), "bench"]
    path = {"PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    calls = (project / "calls").read_text()
    assert ("-m venv --clear .venv\n" in calls) == (left != WHOLE)
    assert "-m pip install" in calls
    assert "\nimage\n" in calls
    assert len(list((project / ".venv").glob("stamp-bench-*"))) == 1


BROKEN = '#!/bin/sh\necho "$*" >>calls\n[ "$2" != playwright ]\n'


@pytest.mark.parametrize(
    ("system", "python", "says"),
    [("debian", WHOLE, ""), ("ubuntu", WHOLE, ""), ("ubuntu", BROKEN, "no browser could be installed")],
    ids=["debian", "ubuntu", "unreachable"],
)
def test_ubuntu_gets_the_browser_of_playwright(system: str, python: str, says: str, tmp_path: Path) -> None:
    """Stand in for Python and all tools by scripts; on Ubuntu chromium is a snap."""
    project, tools = tmp_path / "project", tmp_path / "tools"
    script(project / "ci" / "bootstrap", BOOTSTRAP.read_text())
    for name in ("pyproject.toml", "ci/constraints.txt", "ci/package.json", "ci/package-lock.json"):
        (project / name).touch()
    for name in ("python", "hil", "npm"):
        script(project / ".venv" / "bin" / name, python)
    script(project / ".venv" / "labgrid" / "bin" / "python", python)
    tools.mkdir()
    for name in {*TOOLS, "cp", "mkdir", "touch"} - {"python3"}:
        (tools / name).symlink_to(shutil.which(name) or "")
    script(tools / "anything", '#!/bin/sh\ncase "$0" in *-gcc) echo /;; esac\n')
    others = {
        *("cc", "qemu-system-arm", "qemu-system-aarch64", "mmdebstrap", "qemu-aarch64", "clang", "cmake"),
        *("cpio", "sftp", "sshd", "adb", "ser2net", "dpkg", "sudo", "arm-none-eabi-gcc"),
        *("apt-get", "python3", "qemu-system-riscv32", "qemu-riscv32"),
        *("aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc", "riscv64-unknown-elf-gcc"),
    }
    for name in others:
        (tools / name).symlink_to("anything")
    script(tools / ("snap" if system == "ubuntu" else "chrome"), "#!/bin/sh\n")
    (tools / "chromium").symlink_to("snap" if system == "ubuntu" else "chrome")
    (tmp_path / "os-release").write_text(f"ID={system}\n")
    env = {"PATH": str(tools), "OS_RELEASE": str(tmp_path / "os-release")}
    command = [shutil.which("bash") or "", str(project / "ci" / "bootstrap"), "test"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = (project / "calls").read_text()
    assert ("-m playwright install --no-shell chromium\n" in calls) == (system == "ubuntu")
    assert says in done.stderr
    assert bool(done.stderr) == bool(says)
    assert len(list((project / ".venv").glob("stamp-test-*"))) == 1


def test_missing_environment_prints_the_usage() -> None:
    done = subprocess.run(["bash", str(BOOTSTRAP)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: ci/bootstrap bench|night|test|docs\n")
