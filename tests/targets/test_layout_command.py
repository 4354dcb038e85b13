"""`reds layout` refuses a layout whose kernels cannot run the net."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from reds import pack
from reds.cli import main
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights


def test_layout_without_a_needed_kernel_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(LAYOUTS[1]), "runs", lambda self, layer: layer.kind is Kind.DENSE)
    net = tmp_path / "net.reds"
    pack.save(with_random_weights("net", by_name("cnn-s")), net)
    done = CliRunner().invoke(main, ["layout", str(net), "radix256", str(tmp_path / "out.reds")])
    assert done.exit_code == 1
    assert "the kernels of radix256 do not run its conv, flatten; use canonical" in done.output
