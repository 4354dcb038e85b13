"""The options: their twins, their order, and what another plugin does to them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hil.errors import SetupError
from hil.options import OPTIONS, read
from tests.hil.support.suite_run import PLUGINS, run_pytest, usage_error

pytest_plugins = ["pytester"]

SHORT = [option.name for option in OPTIONS if option.name != "trace"]
"""Short names that other plugins may have; pytest has --trace."""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("HIL_", "PYTEST_ADDOPTS"))]:
        monkeypatch.delenv(name)


def test_command_line_before_environment_before_ini(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nhil_samples = 3\nhil_target = desktop\nhil_emulate = true\n")
    env = {"HIL_SAMPLES": "4", "HIL_TARGET": "nano33ble, desktop"}
    told = read(pytester.parseconfigure("--samples=5"), env)
    assert (told.samples, told.target, told.emulate) == (5, ("nano33ble", "desktop"), True)
    told = read(pytester.parseconfigure(), env)
    assert (told.samples, told.target) == (4, ("nano33ble", "desktop"))
    told = read(pytester.parseconfigure(), {})
    assert (told.samples, told.target, told.missing, told.switch_limit_us) == (3, ("desktop",), None, 40.0)


def test_twins_are_the_same_options_and_targets_add_up(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfigure(
        "--hil-samples=7", "--hil-emulate", "--target=desktop,a", "--hil-target=b", "--hil-pack=x.reds"
    )
    told = read(config, {})
    assert (told.samples, told.emulate, told.pack) == (7, True, Path("x.reds"))
    assert told.target == ("desktop", "a", "b")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("missing", "ignore", "--missing is 'ignore'; write one of fail, skip, emulate"),
        ("samples", "0", "--samples is '0'; write a whole number from 1 to 65535"),
        ("samples", "many", "--samples is 'many'; write a whole number from 1 to 65535"),
        ("inputs", "0", "--inputs is '0'; write a whole number above 0, or all"),
        ("switch-limit-us", "-3", "--switch-limit-us is '-3'; write a number above 0"),
        ("switch-limit-us", "x", "--switch-limit-us is 'x'; write a number above 0"),
        ("lease-wait", "-1", "--lease-wait is '-1'; write seconds, 0 or more"),
        ("target", "desktop,", "--target is 'desktop,'; write names separated by commas"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    pytester: pytest.Pytester, option: str, value: str, says: str
) -> None:
    with pytest.raises(SetupError, match=says):
        read(pytester.parseconfigure(f"--{option}={value}"), {})
    name = "hil_" + option.replace("-", "_")
    with pytest.raises(SetupError, match=rf"{name.upper()} is '{value}'; write "):
        read(pytester.parseconfigure(), {name.upper(): value})


@pytest.mark.parametrize("option", [name for name in SHORT if name != "emulate"])
def test_an_empty_value_on_the_command_line_is_not_passed_over(
    pytester: pytest.Pytester, option: str
) -> None:
    with pytest.raises(SetupError, match=f"--{option} is empty; give it a value or leave it out"):
        read(pytester.parseconfigure(f"--{option}="), {})
    assert read(pytester.parseconfigure(), {"HIL_" + option.replace("-", "_").upper(): ""})


OTHER = """
def pytest_addoption(parser):
    group = parser.getgroup("other")
    group.addoption("--target", default="theirs")
    group.addoption("--emulate", action="store_true")
"""


@pytest.mark.parametrize("first", [True, False])
def test_with_another_plugin_s_options_the_twins_remain(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    pytester.makepyfile(other=OTHER)
    pytester.makepyfile("def test_theirs(pytestconfig): assert pytestconfig.getoption('target') == 'mine'")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    order = ["-p", "other", "-p", "hil.plugin"] if first else ["-p", "hil.plugin", "-p", "other"]
    result = pytester.runpytest_subprocess(*order, "--target=mine", "--hil-target=desktop", "--samples=3")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["reds-hil: another plugin has --target, --emulate here; use --hil-target, --hil-emulate"]
    )


GREEDY = """
def pytest_addoption(parser):
    for name in {names!r}:
        parser.addoption("--" + name, dest="their_" + name.replace("-", "_"), action="append", nargs="?")
"""


def greedy(folder: Path, boards: str) -> None:
    """Write a plugin that has all our short names, and a boards file whose one board is absent."""
    names = SHORT
    (folder / "greedy.py").write_text(GREEDY.format(names=names))
    (folder / "boards.toml").write_text(boards)


PI = '[[board]]\nname = "pi"\ntarget = "pi"\n'


@pytest.mark.parametrize("option", SHORT)
def test_short_name_of_another_plugin_ends_a_run_on_boards(tmp_path: Path, option: str) -> None:
    greedy(tmp_path, PI)
    done = run_pytest(
        tmp_path, "-p", "greedy", "--pyargs", "hil", "-q", f"--{option}=1", "--hil-boards=boards.toml"
    )
    if option == "boards":  # both names were given
        assert done.returncode == pytest.ExitCode.OK
    else:
        usage_error(done, f"--{option} belongs .*; write --hil-{option}$")


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "workers"])
def test_short_names_of_another_plugin_are_found_wherever_they_are(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    greedy(tmp_path, PI)
    words = ("-p", "greedy", "--pyargs", "hil", "-q", *workers, "--hil-boards=boards.toml")
    told = {"PYTEST_ADDOPTS": "--samples 3"}
    usage_error(run_pytest(tmp_path, *words, "--target", "pi", env=told), "--target, --samples belong ")
    done = run_pytest(tmp_path, *words, "--target", "x", "--hil-target", "pi", "--hil-missing=skip")
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr


def test_trace_with_a_value_is_ours_and_without_one_that_of_pytest(pytester: pytest.Pytester) -> None:
    (pytester.path / "walk.csv").write_text("t,W\n0,1\n1,1\n")
    for words, ours, debugs in (
        (("--trace", "solar:seed=1"), "solar:seed=1", False),
        (("--trace", "walk.csv"), "walk.csv", False),
        (("--trace", "walk.csv:mw=2"), "walk.csv:mw=2", False),
        (("--hil-trace=walk.csv",), "walk.csv", False),
        (("--trace",), None, True),
        (("--trace", "test_mine.py"), None, True),
    ):
        config = pytester.parseconfigure(*words)
        assert (read(config, {}).trace, config.getoption("trace")) == (ours, debugs), words


def test_help_of_every_long_name_stands_by_itself(tmp_path: Path) -> None:
    greedy(tmp_path, PI)
    done = run_pytest(tmp_path, "-p", "greedy", "--help")
    shown = "".join(done.stdout.split())
    for option in OPTIONS:
        assert f"--hil-{option.name}" in shown
        assert "".join(option.help.split()) in shown


def test_other_projects_tests_do_not_notice_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_nothing_heavy_was_imported():
            assert not {"numpy", "serial", "reds", "torch", "rich", "cobs"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("--results=out.jsonl")
    result.assert_outcomes(passed=1)
    assert "reds-hil" not in result.stdout.str().replace("plugins: reds-hil", "")
    assert not (pytester.path / "out.jsonl").exists()


def test_help_and_ini_list_every_option(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest_subprocess("--help").stdout.str()
    for option in OPTIONS:
        assert f"--{option.name}" in text
        assert f"--hil-{option.name}" in text
        assert option.dest in text


def test_measurements_survive_the_way_from_a_worker(pytester: pytest.Pytester) -> None:
    """What xdist does with a report: to plain data in one process, and back in another."""
    config = pytester.parseconfigure()
    where = ("f", 1, "t")
    report = pytest.TestReport("t", where, {}, "passed", None, "call", hil=[{"samples": (1, 2.5)}])
    plain = config.hook.pytest_report_to_serializable(config=config, report=report)
    data = json.loads(json.dumps(plain))
    back = config.hook.pytest_report_from_serializable(config=config, data=data)
    assert back.hil == [{"samples": [1, 2.5]}]


def test_hil_names_the_package_where_no_folder_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "hil", "--collect-only", "-q", "--target=desktop"]
    done = subprocess.run([*command, *PLUGINS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_conformance" in done.stdout
    (tmp_path / "hil").mkdir()
    own = subprocess.run([*command, *PLUGINS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert own.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
