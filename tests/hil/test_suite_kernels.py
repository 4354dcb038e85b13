"""The suite says below its table which layers of a pack run by portable kernels."""

from pathlib import Path

from reds import pack
from reds.pack.model import Kind
from tests.hil.support.suite_run import Run
from tests.support.nets import Maker


def test_layers_on_portable_kernels_are_named_with_the_reason(hil: Run, tmp_path: Path) -> None:
    maker = Maker(4, 4, 4)
    maker.add(Kind.CONV, 4)
    maker.add(Kind.LAYER_NORM)
    pack.save(maker.build([[4]]), tmp_path / "net.reds")
    done = hil("--target=desktop", "--pack", "net.reds", "-k", "test_conformance")
    assert done.returncode == 0, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "portable kernels" in line]
    assert line.startswith("kernels: desktop: portable kernels run layer 1 (layer norm) of 2: ")
    assert line.endswith("has no kernel for a layer of kind layer norm")


def test_a_pack_on_fast_kernels_alone_is_not_mentioned(hil: Run, small_pack: Path) -> None:
    done = hil("--target=desktop", "--pack", small_pack, "-k", "test_conformance")
    assert done.returncode == 0, done.stdout
    assert "portable kernels" not in done.stdout
