"""The public face of `reds`: lazy, listed, of one version, with one base of all errors."""

import inspect
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import reds
from reds import errors
from reds.fixtures import fixtures_dir

ROOT = Path(__file__).parents[2]


def imported_after(code: str) -> set[str]:
    """Names of all modules that a fresh Python has imported once it has run this code."""
    code += "\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_reds_imports_no_other_module_of_it() -> None:
    modules = imported_after("import reds")
    assert not {name for name in modules if name.startswith("reds.")}
    assert not modules & {"torch", "numpy"}


def test_a_pack_is_loaded_and_run_without_torch() -> None:
    path = fixtures_dir() / "kws-dnn-s.reds"
    modules = imported_after(
        "import numpy as np, reds\n"
        f"pack = reds.load({str(path)!r})\n"
        "out = pack.run(np.zeros((2, 250), np.int8), subnet='25%')\n"
        "assert out.shape == (2, 12) and out.any()\n"
        "assert 0.5 < pack.subnets['25%'].accuracy < 1\n"
    )
    assert "reds.pack.interpreter" in modules
    assert not modules & {"torch", "ortools", "PIL"}


@pytest.mark.parametrize("name", reds.__all__)
def test_every_public_name_is_imported_from_its_home(name: str) -> None:
    module, _, attribute = reds._HOMES[name].partition(":")
    home = import_module(module)
    assert getattr(reds, name) is (getattr(home, attribute) if attribute else home)


def test_the_listings_of_public_names_agree() -> None:
    assert sorted(reds.__all__) == reds.__all__ == sorted(reds._HOMES)
    assert sorted(dir(reds)) == sorted([*reds.__all__, "__version__"])


def test_the_names_a_type_checker_sees_are_those_there_are() -> None:
    text = inspect.getsource(reds).split("if TYPE_CHECKING:\n")[1].split("__all__")[0]
    names = {
        name.strip().rpartition(" as ")[2].strip()
        for line in text.splitlines() if line.strip()
        for name in line.split(" import ")[1].split(",")
    }  # fmt: skip
    assert names == set(reds.__all__)


def test_a_name_that_reds_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="compres"):
        _ = reds.compres  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert reds.__version__ == project["version"]  # type: ignore[attr-defined]


def test_every_error_derives_from_the_one_base_and_is_in_the_drawn_tree() -> None:
    own = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__
    ]
    assert len(own) > 10
    for kind in own:
        assert issubclass(kind, reds.RedsError)
        assert kind.__name__ in (errors.__doc__ or "")
