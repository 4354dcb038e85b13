"""Test that agents depend on their sources only."""

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
