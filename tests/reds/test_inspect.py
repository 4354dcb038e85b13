"""`reds inspect` of a pack in the layout of a device: what it can read, and what it says it cannot."""

import json
import re
import struct
import zlib
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import pack
from reds.errors import ModelError
from reds.fixtures import fixtures_dir
from reds.pack import layouts
from reds.pack.inspect import layer_table, subnet_table, subnet_units
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind
from reds.pack.reader import outline
from reds.zoo.random_weights import with_random_weights
from reds.zoo.resnet import resnet8
from tests.reds.support.command import run
from tests.support.depth import deep_nets
from tests.support.nets import Maker, dense_model


@pytest.mark.parametrize("layout", ["radix256", "vnni", "neon"])
@pytest.mark.parametrize("name", ["kws-dnn-s", "kws-ds-cnn-s"])
def test_inspect_of_a_laid_out_pack_prints_its_layout_and_what_its_headers_say(
    layout: str, name: str, tmp_path: Path
) -> None:
    shipped, out = fixtures_dir() / f"{name}.reds", tmp_path / "net.reds"
    laid_out = run("layout", shipped, layout, out)[1]
    status, output = run("inspect", out)
    assert status == 0, output
    before = run("inspect", shipped)[1]
    assert f"layout {layout}" in output.splitlines()[0]
    assert output.split("┡")[1].split("└")[0] == before.split("┡")[1].split("└")[0], "the same layers"
    model = pack.load(shipped)
    chosen = layouts.preferring(model, next(each for each in LAYOUTS.values() if each.name == layout))
    for i, subnet in enumerate(model.subnets):
        assert re.search(rf"{subnet.name} │.* {layouts.plan(model, i, chosen).size:,} │", output)
    assert f"{out.stat().st_size:,} bytes" in laid_out
    assert f"{out.stat().st_size:,} bytes, laid out for the kernels of {layout}" in output


def test_layers_that_a_subnet_leaves_out_are_named(tmp_path: Path) -> None:
    graph = resnet8()
    small = (3, 8, 0, 16, 16, 32, 32, 10)
    pack.save(with_random_weights("deep", graph, {"20%": small, "100%": graph.full}), tmp_path / "net.reds")
    status, output = run("inspect", tmp_path / "net.reds")
    assert status == 0
    assert "3-8-0-0-16-" in output
    assert [line for line in output.splitlines() if "leaves out" in line] == [
        "20% leaves out conv1, conv2, add3"
    ]


@pytest.mark.parametrize(
    ("stated", "shown"), [(None, "accuracy"), ("r2", "r2"), ("auc", "auc"), ("a b", "accuracy")]
)
def test_inspect_names_the_metric_of_the_card(stated: str | None, shown: str, tmp_path: Path) -> None:
    path = tmp_path / "net.reds"
    pack.save(dense_model([4, 3], [[3]]), path)
    rows = [{"label": subnet.name, "accuracy": {"test": 0.5}} for subnet in pack.load(path).subnets]
    card = {"pack_sha256": sha256(path.read_bytes()).hexdigest(), "metric": stated, "subnets": rows}
    path.with_suffix(".json").write_text(json.dumps(card))
    status, output = run("inspect", path)
    assert status == 0, output
    (heads,) = (line for line in output.splitlines() if "arena bytes ┃" in line)
    assert heads.split("┃")[-2].strip() == shown


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_inspect_tells_which_layers_have_an_activation_table(layout: layouts.Layout) -> None:
    for model in deep_nets(range(4)):
        found, chosen = outline(pack.dumps(model, layouts.preferring(model, layout)))
        shown = list(layer_table(found, chosen).columns[5].cells)
        tabled = {step.layer for subnet in model.subnets for step in subnet.steps if step.activation}
        kinds = ["ReLU" if layer.relu else "linear" for layer in model.layers]
        assert [str(cell) for cell in shown] == ["table" if i in tabled else k for i, k in enumerate(kinds)]


def test_inspect_names_the_layout_of_each_layer_where_they_differ(tmp_path: Path) -> None:
    maker = Maker(7, 7, 4)
    maker.add(Kind.CONV, 8)
    maker.add(Kind.TRANSPOSED, 8, (3, 3))
    net, out = tmp_path / "net.reds", tmp_path / "out.reds"
    pack.save(maker.build([[8, 8]]), net)
    told = run("layout", net, "radix256", out)[1]
    reason = "portable kernels run layer 1 (transposed) of 2: radix256 has no kernel for"
    assert reason in told
    _, output = run("inspect", out)
    assert "layout radix256, canonical" in output.splitlines()[0]
    assert re.search(r" conv │.* radix256 │", output)
    assert re.search(r" transposed.* │.* canonical │", output)
    plainly = run("inspect", net)[1]
    assert "canonical │" not in plainly
    assert f"Cortex-M4: {reason}" in plainly


def test_inspect_tells_windows_groups_and_heads() -> None:
    maker = Maker(9, 9, 4)
    maker.add(Kind.CONV, 8, (3, 3), dilation=(2, 3))
    maker.add(Kind.GROUPED, 8, (3, 3), groups=4)
    maker.add(Kind.TRANSPOSED, 8, (2, 2), (2, 2))
    maker.add(Kind.UPSAMPLE, stride=(2, 1))
    maker.add(Kind.ATTENTION, inputs=(4, 4, 4), groups=2)
    maker.add(Kind.LAYER_NORM)
    model = maker.build([[8, 8]])
    shown = list(layer_table(model, layouts.canonical(model)).columns[3].cells)
    assert [str(cell) for cell in shown] == [
        "3x3 dilated 2x3", "3x3, 4 groups", "2x2 by 2x2", "by 2x1", "2 heads", ""
    ]  # fmt: skip
    assert subnet_units(model, 0) == [4, 8, 8]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_hostile_laid_out_pack_is_outlined_or_refused(drawn: st.DataObject) -> None:
    data = bytearray(pack.dumps(dense_model([8, 6, 4], [[3, 4], [6, 4]]), [LAYOUTS[4]] * 2))
    for _ in range(drawn.draw(st.integers(1, 3))):
        data[drawn.draw(st.integers(16, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    with suppress(ModelError):  # any other error fails
        model, chosen = outline(bytes(data))
        layer_table(model, chosen)
        subnet_table(model)
