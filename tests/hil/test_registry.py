from pathlib import Path

import pytest

from hil.boards.registry import GROUP, target, target_names
from hil.errors import UnknownTarget


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of somebody else's, that registers a target of its own and one called as ours."""
    (tmp_path / "their_lab.py").write_text("HAS_EMULATOR = False\n")
    info = tmp_path / "their_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nlab = their_lab\npi = their_lab\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_targets_are_the_modules_of_the_folder() -> None:
    assert target_names() == ("android", "desktop", "nano33ble", "pi")


def test_another_package_registers_a_target(installed: None) -> None:
    assert "lab" in target_names()
    assert target("lab").__name__ == "their_lab"


def test_another_package_replaces_no_target_of_ours(installed: None) -> None:
    assert target("pi").__name__ == "hil.boards.targets.pi"


def test_unknown_target_raises_with_the_nearest_one() -> None:
    with pytest.raises(UnknownTarget, match="did you mean 'nano33ble'"):
        target("nano33")
