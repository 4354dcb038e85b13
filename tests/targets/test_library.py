"""The runtime as a library for others: complete metadata, and one version everywhere."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.tools import missing
from tests.targets.support.sources import TARGETS

VERSION = tomllib.loads((TARGETS.parent / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("library", ["runtime", "governor", "agent"])
def test_platformio_library_has_the_version_of_the_project(library: str) -> None:
    assert json.loads((TARGETS / library / "library.json").read_text())["version"] == VERSION


def test_cmake_package_has_the_version_of_the_project(tmp_path: Path) -> None:
    if reason := missing("cmake"):
        pytest.skip(reason)
    subprocess.run(["cmake", "-S", TARGETS / "runtime", "-B", tmp_path], check=True, capture_output=True)
    written = (tmp_path / "reds-runtime-config-version.cmake").read_text()
    assert f'set(PACKAGE_VERSION "{VERSION}")' in written


def test_platformio_accepts_the_manifest_of_the_runtime() -> None:
    """Without the license, which PlatformIO checks against a list on the network."""
    pytest.importorskip("platformio")
    from platformio.package.manifest.parser import ManifestParserFactory
    from platformio.package.manifest.schema import ManifestSchema

    manifest = ManifestParserFactory.new_from_file(str(TARGETS / "runtime/library.json")).as_dict()
    assert manifest.pop("license") == "Apache-2.0"
    assert ManifestSchema().load_manifest(manifest)["headers"] == ["reds.h"]
