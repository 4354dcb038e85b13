"""A release has one version, that of pyproject.toml."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_file_that_states_a_version_states_that_of_pyproject() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    stated = {
        str(file): json.loads(file.read_text())["version"]
        for file in (ROOT / "targets").glob("*/library.json")
    }
    stated |= dict(re.findall(r"^(version): (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE))
    assert len(stated) == 4
    assert set(stated.values()) == {version}


def test_release_archives_each_library_that_firmware_contains() -> None:
    (archived,) = re.findall(r"^for library in (.+); do$", (ROOT / "ci/release").read_text(), re.MULTILINE)
    agents = {file.parent.name for file in (ROOT / "targets").glob("*/library.json")}
    assert set(archived.split()) == agents - {"agent"}


def test_the_changelog_has_a_section_for_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
