"""Use hil's fixtures on the `target` of labgrid's pytest plugin: real labgrid, coordinator and exporter."""

import json
import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hil.support.lab import Lab, programs
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.suite_run import PLUGINS, Run, read, usage_error
from tests.support.pages import block

ROOT = Path(__file__).parents[2]
PLACE = "nano-1"
USER = "tester"
CONFTEST = """
import pytest

@pytest.fixture
def env_name(env):
    return env.config_file
"""
ALONE = """
def test_labgrid_alone(target, env_name):
    assert target.get_resource("NetworkSerialPort").protocol == "raw"
    assert env_name.endswith("env.yaml")

"""
REFUSED = """
import pytest
from hil.errors import BoardsFileError

@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"target": "pi"}, "tag board=nano33ble, and pi is asked for; name that target, or correct the tag"),
        ({"emulated": True}, "its place says that its board is no emulated one; leave --emulate out"),
    ],
)
def test_another_board_than_is_asked_for_is_refused(target, asked, says):
    with pytest.raises(BoardsFileError) as caught, hil.open_labgrid(target, **asked):
        pass
    assert caught.value.board == "nano-1"
    assert says in str(caught.value)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if programs() is None:
        pytest.skip("labgrid is missing: run ci/bootstrap test")
    with LabBoard() as nano, Lab({PLACE: {"board": "nano33ble"}}) as lab:
        lab.export("rack-1", {PLACE: nano.resource})
        lab.client("-p", PLACE, "acquire", user=USER)
        yield lab


Session = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def session(lab: Lab, tmp_path: Path, small_pack: Path) -> Session:
    """Run pytest in labgrid's own environment, into which hil and what it needs are installed too."""
    targets = {"targets": {"main": {"resources": {"RemotePlace": {"name": PLACE}}}}}
    (tmp_path / "env.yaml").write_text(json.dumps(targets))  # JSON is YAML
    (tmp_path / "conftest.py").write_text(CONFTEST)
    site = f"import site\nsite.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(site)
    found = programs()
    assert found is not None

    def run(tests: str, *options: str, lg_env: str = "env.yaml") -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_mine.py").write_text(tests)
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_", "LG_"))}
        who = {"LG_USERNAME": USER, "LG_HOSTNAME": "elsewhere", "HIL_STORE": "none"}
        path = {"PYTHONPATH": f"{tmp_path / 'path'}{os.pathsep}{ROOT}", "HIL_PACK": str(small_pack)}
        lg = [f"--lg-env={lg_env}"] * bool(lg_env) + [f"--lg-coordinator={lab.address}"]
        command = [str(found / "python"), "-m", "pytest", *PLUGINS, "-p", "no:cacheprovider", *lg, *options]
        return subprocess.run(
            command, cwd=tmp_path, env={**plain, **who, **path},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


def test_fixtures_of_hil_use_the_board_of_labgrids_target(session: Session, tmp_path: Path) -> None:
    done = session(
        ALONE + block("lab.md", "guest"),
        "test_mine.py",
        "--lab=target",
        "--target=nano33ble",
        "--results=a.jsonl",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nano-1 (nano33ble), hardware: 2 passed" in done.stdout
    rows = read(tmp_path / "a.jsonl")
    assert {(row["board"], row["provenance"]) for row in rows} == {(PLACE, "hardware")}
    assert {row["metric"] for row in rows} == {"latency", "own"}


def test_suite_of_hil_benches_the_board_of_labgrids_target(session: Session, lab: Lab) -> None:
    done = session("", "--pyargs", "hil", "--lab=target", "--target=nano33ble", "--samples=5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.owners() == {PLACE: f"elsewhere/{USER}"}


def test_code_of_a_user_opens_the_board_of_a_target(session: Session) -> None:
    done = session(block("lab.md", "opened") + REFUSED, "test_mine.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("missing", "status"), [((), 1), (("--missing=skip",), 0)])
def test_board_of_a_target_that_labgrid_lacks_is_skipped_only_if_asked(
    session: Session, missing: tuple[str, ...], status: int
) -> None:
    few = ("--pyargs", "hil", "-q", "-k", "conformance", "--lab=target", "--target=nano33ble")
    done = session("", *few, *missing, lg_env="")
    assert done.returncode == status, done.stdout + done.stderr
    said = "--lab is target, but labgrid's pytest plugin has none: missing environment config"
    assert (said in done.stdout) == bool(status)
    assert "Traceback" not in done.stdout


def test_lab_target_without_a_kind_or_without_labgrid_is_one_sentence(hil: Run) -> None:
    usage_error(hil("--lab=target"), "--lab target benches one board; name its kind, as --target=nano33ble")
    alone = hil("--lab=target", "--target=nano33ble", "-k", "conformance")
    assert "--lab is target, but labgrid's pytest plugin is not installed here" in alone.stdout
    assert "Traceback" not in alone.stdout
