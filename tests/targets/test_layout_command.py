"""`reds layout` gives each layer the layout if it has a kernel for it, and names the other layers."""

from pathlib import Path

from click.testing import CliRunner

from reds import pack
from reds.cli import main
from reds.pack.format import LAYER
from reds.pack.model import Kind
from tests.support.nets import Maker
from tests.targets.support.fuzz.mutations import seed_of


def test_layer_without_a_kernel_stays_canonical_and_is_named(tmp_path: Path) -> None:
    maker = Maker(7, 7, 4)
    maker.add(Kind.CONV, 8)
    maker.add(Kind.TRANSPOSED, 8, (3, 3))
    maker.add(Kind.DEPTHWISE, 0, (3, 3))
    net, out = tmp_path / "net.reds", tmp_path / "out.reds"
    pack.save(maker.build([[8, 8]]), net)
    done = CliRunner().invoke(main, ["layout", str(net), "radix256", str(out)])
    assert done.exit_code == 0
    assert "portable kernels run layer 1 (transposed) of 3: radix256 has no kernel" in done.output
    data = out.read_bytes()
    assert [LAYER.unpack_from(data, at)[3] for at in seed_of(data).layers] == [4, 0, 4]
