"""Agents are built from their sources alone."""

from pathlib import Path

import pytest

from hil.firmware import build


def test_the_environment_does_not_change_what_the_cache_keeps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An agent built under somebody's CFLAGS, as -O0, would be benched under the sources' name for ever."""
    agents = []
    for name, flags in (("plain", ""), ("other", "-O0 -g")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setenv("CFLAGS", flags)
        monkeypatch.setenv("LDFLAGS", "-no-such-flag" * bool(flags))
        agents.append(build.agent(build.DESKTOP).read_bytes())
    assert agents[0] == agents[1]
