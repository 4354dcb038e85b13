"""Test that agents depend on their sources only, whatever folders are called, and that killed builds end."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hil import cache
from hil.emulators import cortex_m4
from hil.errors import BuildError
from hil.firmware import build
from hil.firmware.bare_metal import BareMetal
from tests.hil.support.processes import eventually, marked
from tests.hil.support.raising import raises

ODD = "a b,c=d:e%f#é"
"""A name of a folder that make, QEMU or a linker would split; PlatformIO takes it."""
ODDER = f"{ODD} \"'$(x);\n-"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the agents' sources to change."""
    copy = tmp_path / "targets"
    return Path(shutil.copytree(build.targets_dir(), copy, ignore=shutil.ignore_patterns("build")))


CORTEX_M = {"mps", "nano33ble", "stm32f4"}


def ids(root: Path) -> dict[str, str]:
    """Return the build id of each board with a folder in `root`."""
    build_id = runpy.run_path(str(root / "build_id.py"))["build_id"]
    return {list_.parent.name: build_id(root, list_.parent) for list_ in root.glob("*/sources")}


@pytest.mark.parametrize(
    ("changed", "boards"),
    [
        ("runtime/reds.h", {*CORTEX_M, "posix", "rv32"}),
        ("runtime/kernels/kernels.h", {*CORTEX_M, "posix", "rv32"}),
        ("governor/governor.h", {*CORTEX_M, "posix", "rv32"}),
        ("runtime/kernels/x86/x86.h", {"posix"}),
        ("runtime/kernels/cortex_m4/cortex_m4.h", CORTEX_M),
        ("bare_metal/cortex_m/start.c", CORTEX_M),
        ("posix/port.c", {"posix"}),
        ("nano33ble/src/arduino/port.cpp", {"nano33ble"}),
        ("new_board/port.c", set()),
    ],
)
def test_build_of_an_agent_is_known_by_the_sources_that_it_contains(
    sources: Path, changed: str, boards: set[str]
) -> None:
    """A new board or kernel of another processor leaves the agents on all other boards as they are."""
    before = ids(sources)
    assert before == {folder: build.build_id(folder) for folder in before}
    (sources / changed).parent.mkdir(exist_ok=True)
    (sources / changed).write_text("/* another one */")
    after = ids(sources)
    assert {name for name in before if after[name] != before[name]} == boards


def test_build_id_of_a_board_elsewhere_does_not_depend_on_its_place(tmp_path: Path) -> None:
    mine = tmp_path / "here" / "mine"
    mine.mkdir(parents=True)
    (mine / "sources").write_text("bare_metal/cortex_m\n")
    (mine / "port.c").write_text("int port;\n")
    before = build.build_id(mine)
    moved = Path(shutil.move(tmp_path / "here", tmp_path / "there")) / "mine"
    assert build.build_id(moved) == before
    (moved / "port.c").write_text("long port;\n")
    assert build.build_id(moved) != before


@pytest.mark.cross("riscv64-unknown-elf-gcc")
def test_board_of_another_package_is_built_from_its_own_folder(tmp_path: Path) -> None:
    mine = Path(shutil.copytree(build.targets_dir() / "rv32", tmp_path / "rv32"))
    (mine / "port.c").write_text("#error mine\n")
    with raises(BuildError) as caught:
        build.agent(BareMetal("mine", mine, "riscv64-unknown-elf-gcc"))
    assert "#error mine" in caught.value.text


@pytest.mark.parametrize("lacks", ["board.mk", "memory.ld", "port.c", "sources"])
def test_folder_without_a_file_of_a_board_is_refused_by_the_name_of_the_file(
    tmp_path: Path, lacks: str
) -> None:
    mine = Path(shutil.copytree(build.targets_dir() / "rv32", tmp_path / "rv32"))
    (mine / lacks).unlink()
    with raises(BuildError) as caught:
        build.agent(BareMetal("mine", mine, "cc"))
    assert lacks in caught.value.text
    assert "docs/new-board.md" in caught.value.text


def test_kernels_of_a_board_that_are_nowhere_are_named(tmp_path: Path) -> None:
    """Without them the agent would run portable kernels without a word."""
    mine = Path(shutil.copytree(build.targets_dir() / "rv32", tmp_path / "rv32"))
    with (mine / "sources").open("a") as sources:
        sources.write("runtime/kernels/cortex_m44\n")
    with raises(BuildError) as caught:
        build.agent(BareMetal("mine", mine, "cc"))
    assert "cortex_m44" in caught.value.text


def test_agent_that_plays_another_board_is_built_again_when_the_sources_of_that_board_change(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "targets_dir", lambda: sources)
    built = build.agent(build.DESKTOP, board="nano33ble")
    assert build.build_id("nano33ble").encode() in built.read_bytes()
    with (sources / "runtime/kernels/cortex_m4/dense.c").open("a") as kernel:
        kernel.write("\n")
    again = build.agent(build.DESKTOP, board="nano33ble")
    assert build.build_id("nano33ble").encode() in again.read_bytes()


def test_environment_does_not_change_a_cached_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An agent built under a user's CFLAGS, such as -O0, would be cached as the agent of the sources."""
    usual = build.agent(build.DESKTOP).read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CFLAGS", "-O0 -g")
    monkeypatch.setenv("LDFLAGS", "-no-such-flag")
    monkeypatch.setenv("STATIC", "yes")
    assert build.agent(build.DESKTOP).read_bytes() == usual


@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulated_agent_builds_beside_the_platform_link_of_another_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PlatformIO keeps links to platforms; one to another checkout's must not reach this build."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    links = cache.cache_dir() / "platformio" / "platforms"
    links.mkdir(parents=True)
    other = tmp_path / "other"
    shutil.copytree(build.targets_dir() / "nano33ble" / "platform", other / "platform")
    (other / "platform" / "builder" / "main.py").write_text("raise SystemExit('of another checkout')")
    spec = {"owner": None, "id": None, "name": "platform", "requirements": None, "uri": "symlink://platform"}
    (links / "platform.pio-link").write_text(json.dumps({"cwd": str(other), "spec": spec}))
    assert build.agent(build.EMULATED).is_file()


@pytest.mark.parametrize("content", ["", "{}", '{"name": "nordicnrf52", "version": "10.8.0"}'])
def test_damaged_files_of_platformio_are_named_with_the_command_that_removes_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    core = cache.cache_dir() / "platformio"
    platform = core / "platforms" / "nordicnrf52"
    platform.mkdir(parents=True)
    (platform / "platform.json").write_text(content)
    spec = {"owner": "platformio", "id": None, "name": "nordicnrf52", "requirements": None, "uri": None}
    known = {"type": "platform", "name": "nordicnrf52", "version": "10.8.0", "spec": spec}
    (platform / ".piopm").write_text(json.dumps(known))
    with raises(BuildError) as refused:
        build.upload_nano("/dev/null")
    assert str(refused.value).endswith(f"rm -r {core}")
    assert re.search(r"does not build: .*\w.* \(all of it", str(refused.value))


STAND_IN = """
from SCons.Script import Default, DefaultEnvironment
env = DefaultEnvironment()
def build(target, source, env):
    open(str(target[0]), "wb").write(open(str(source[0]), "rb").read()[:100])
Default(env.Command("$BUILD_DIR/firmware.bin", "$PROJECT_DIR/../build_id.py", build))
"""
"""A builder that takes the first bytes of a source for the firmware."""


def test_firmware_of_the_nano_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a stand-in of PlatformIO's nordicnrf52, which is a download of minutes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    platform = cache.cache_dir() / "platformio" / "platforms" / "nordicnrf52"
    shutil.copytree(build.targets_dir() / "nano33ble" / "platform", platform)
    about = json.loads((platform / "platform.json").read_text())
    about |= {"name": "nordicnrf52", "version": "10.8.0", "frameworks": {"arduino": {}}}
    (platform / "platform.json").write_text(json.dumps(about))
    spec = {"owner": "platformio", "id": None, "name": "nordicnrf52", "requirements": None, "uri": None}
    known = {"type": "platform", "name": "nordicnrf52", "version": "10.8.0", "spec": spec}
    (platform / ".piopm").write_text(json.dumps(known))
    board = json.loads((platform / "boards" / "emulated_nano33ble.json").read_text())
    (platform / "boards" / "nano33ble.json").write_text(json.dumps(board | {"frameworks": ["arduino"]}))
    (platform / "builder" / "main.py").write_text(STAND_IN)
    code = (platform / "platform.py").read_text()
    (platform / "platform.py").write_text(code.replace("EmulatedPlatform", "Nordicnrf52Platform"))
    firmware = build.nano_firmware()
    assert firmware.read_bytes() == (build.targets_dir() / "build_id.py").read_bytes()[:100]
    shutil.rmtree(platform)
    assert build.nano_firmware() == firmware


@pytest.fixture
def oddly_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder with an odd name for the cache, temporary files and the home."""
    folder = tmp_path / request.param
    for variable in ("TMPDIR", "XDG_CACHE_HOME", "HOME"):
        (folder / variable).mkdir(parents=True)
        monkeypatch.setenv(variable, str(folder / variable))
    monkeypatch.setattr(cache.tempfile, "tempdir", None)  # which is read once
    return folder


@pytest.mark.parametrize("oddly_named", [ODDER], indirect=True)
def test_the_desktop_agent_builds_whatever_folders_are_called(oddly_named: Path) -> None:
    assert build.agent(build.DESKTOP).is_relative_to(oddly_named)
    assert list((oddly_named / "TMPDIR").iterdir()) == []


@pytest.mark.qemu("qemu-system-arm", "arm-none-eabi-gcc")
@pytest.mark.parametrize("oddly_named", [ODD], indirect=True)
def test_the_emulated_agent_builds_and_runs_in_folders_with_usual_odd_names(oddly_named: Path) -> None:
    with cortex_m4.start(build.agent(build.EMULATED)) as emulator:
        assert emulator.folder.is_relative_to(oddly_named)
    assert list((oddly_named / "TMPDIR").iterdir()) == []


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize("oddly_named", ["$x", "a'b", "a\nb"], indirect=True)
def test_a_folder_that_platformio_cannot_use_raises(oddly_named: Path) -> None:
    with raises(BuildError):
        build.agent(build.EMULATED)


def test_a_full_disk_raises_one_sentence(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk, which needs root to make."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    code += "from hil.firmware import build; from hil.errors import SetupError\n"
    code += "try: build.agent('desktop')\nexcept SetupError as error: print(error)"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 1
    assert str(tmp_path) in done.stdout
    assert "; " in done.stdout
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("phase", ["make ", "cc1 "])
@pytest.mark.parametrize(
    "agent", [build.DESKTOP, pytest.param(build.EMULATED, marks=pytest.mark.cross("arm-none-eabi-gcc"))]
)
def test_a_killed_build_leaves_no_process_and_no_file(tmp_path: Path, agent: str, phase: str) -> None:
    if agent == build.EMULATED:
        phase = phase.replace("make", "-m platformio")
    code = f"from hil.firmware import build; build.agent({agent!r})"
    folders = {name: str(tmp_path / name) for name in ("XDG_CACHE_HOME", "TMPDIR", "HOME")}
    for folder in folders.values():
        Path(folder).mkdir()
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **folders}) as host:
        assert eventually(lambda: [line for line in marked(str(tmp_path)) if phase in line])
        host.kill()
    assert eventually(lambda: not marked(str(tmp_path)))
    assert eventually(lambda: not [path for path in tmp_path.rglob("*") if path.is_file()])
