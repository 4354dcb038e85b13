"""Test that agents depend on their sources only."""

import json
import shutil
from pathlib import Path

import pytest

from hil.firmware import build


def test_environment_does_not_change_a_cached_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An agent built under a user's CFLAGS, such as -O0, would be cached as the agent of the sources."""
    agents = []
    for name, flags in (("plain", ""), ("other", "-O0 -g")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setenv("CFLAGS", flags)
        monkeypatch.setenv("LDFLAGS", "-no-such-flag" * bool(flags))
        agents.append(build.agent(build.DESKTOP).read_bytes())
    assert agents[0] == agents[1]


@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulated_agent_builds_beside_the_platform_link_of_another_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PlatformIO keeps links to platforms; one to another checkout's must not reach this build."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    links = build.cache_dir() / "platformio" / "platforms"
    links.mkdir(parents=True)
    other = tmp_path / "other"
    shutil.copytree(build.targets_dir() / "nano33ble" / "platform", other / "platform")
    (other / "platform" / "builder" / "main.py").write_text("raise SystemExit('of another checkout')")
    spec = {"owner": None, "id": None, "name": "platform", "requirements": None, "uri": "symlink://platform"}
    (links / "platform.pio-link").write_text(json.dumps({"cwd": str(other), "spec": spec}))
    assert build.agent(build.EMULATED).is_file()
