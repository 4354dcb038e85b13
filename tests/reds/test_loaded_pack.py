"""A pack as a user loads it: features in, logits out, subnets by name or index, accuracies of the card."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reds
from reds import pack as packs
from reds.errors import ModelError, PackError
from reds.fixtures import fixtures_dir
from reds.pack import interpreter
from reds.pack.model import Kind, Model
from tests.support.nets import Maker, dense_model, inputs

SHIPPED = fixtures_dir() / "kws-dnn-s.reds"


def conv_model() -> Model:
    """A net of pictures [2, 5, 4] (units, rows, columns) with two subnets, 50% and 100%."""
    maker = Maker(5, 4, 2, seed=3)
    maker.add(Kind.CONV, 6, (3, 3), padding=(1, 1, 1, 1), relu=True)
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 3)
    return maker.build([[3, 3], [6, 3]])


@pytest.fixture(scope="module")
def conv_pack(tmp_path_factory: pytest.TempPathFactory) -> reds.Pack:
    path = tmp_path_factory.mktemp("pack") / "conv.reds"
    reds.write(conv_model(), path)
    return reds.load(path)


@pytest.fixture(scope="module")
def dense_pack(tmp_path_factory: pytest.TempPathFactory) -> reds.Pack:
    path = tmp_path_factory.mktemp("pack") / "dense.reds"
    reds.write(dense_model([12, 8, 4], [[4, 4], [8, 4]]), path)
    return reds.load(str(path))


def test_int8_in_torchs_order_and_flat_as_a_device_reads_it_give_the_interpreters_outputs(
    conv_pack: reds.Pack,
) -> None:
    flat = inputs(conv_pack.model, 7)
    torch_order = np.moveaxis(flat.reshape(7, 5, 4, 2), -1, 1)
    for i, name in enumerate(("50%", "100%")):
        expected = interpreter.run(conv_pack.model, i, flat)
        for x, subnet in ((flat, i), (flat, name), (torch_order, name), (torch.from_numpy(torch_order), i)):
            out = conv_pack.run(x, subnet=subnet)
            assert out.dtype == np.int8
            np.testing.assert_array_equal(out, expected)


@settings(max_examples=30)
@given(seed=st.integers(0, 999), dtype=st.sampled_from(["float16", "float32", "float64"]))
def test_floating_point_features_are_stored_in_int8_and_outputs_are_real(seed: int, dtype: str) -> None:
    model = conv_model()
    pack = reds.Pack(Path("conv.reds"), model, "", None)
    q = inputs(model, 5, seed)
    real = (q.astype(dtype) - model.input_zero) * model.input_scale
    logits = pack.run(np.moveaxis(real.reshape(5, 5, 4, 2), -1, 1).astype(dtype), subnet=1)
    assert logits.dtype == np.float32
    last = model.subnets[1]
    out = interpreter.run(model, 1, q).astype(float) - last.steps[-1].zero
    np.testing.assert_allclose(logits, out * last.output_scale, rtol=1e-6)


def test_features_beyond_int8_are_clipped(conv_pack: reds.Pack) -> None:
    far = np.full((1, 2, 5, 4), 1e6)
    np.testing.assert_array_equal(
        conv_pack.run(far, subnet=0), conv_pack.run(far / 1e3, subnet=0), err_msg="both are the largest int8"
    )


def test_dense_nets_read_rows_of_features_and_lists(dense_pack: reds.Pack) -> None:
    x = np.random.default_rng(0).normal(0, 20, (3, 12))
    np.testing.assert_array_equal(dense_pack.run(x, subnet=1), dense_pack.run(x.tolist(), subnet="100%"))
    np.testing.assert_array_equal(dense_pack.run(x[:, :, None, None], subnet=1), dense_pack.run(x, subnet=1))


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((3, 5, 4, 2)),
        np.zeros((3, 40)),
        np.zeros((2, 5, 4)),
        np.zeros((3, 2, 5, 4), np.int64),
        np.zeros((3, 2, 5, 4), np.uint8),
        np.zeros((3, 39), np.int8),
        np.zeros((3, 2, 5, 4), complex),
        np.float32(1),
        "text",
    ],
    ids=lambda x: f"{np.asarray(x).dtype}{np.shape(x)}",
)
def test_features_of_another_shape_or_type_are_refused(x: object, conv_pack: reds.Pack) -> None:
    with pytest.raises(PackError, match=r"conv\.reds"):
        conv_pack.run(x, subnet=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("subnet", ["30%", "", -1, 2])
def test_a_subnet_that_the_pack_does_not_hold_is_not_run(subnet: str | int, conv_pack: reds.Pack) -> None:
    with pytest.raises(ModelError):
        conv_pack.run(np.zeros((1, 40), np.int8), subnet=subnet)


def test_subnets_are_found_by_name_index_and_slice(conv_pack: reds.Pack) -> None:
    subnets = conv_pack.subnets
    assert [subnet.name for subnet in subnets] == ["50%", "100%"]
    assert subnets["50%"] == subnets[0] == subnets[-2]
    assert subnets[1:] == (subnets["100%"],)
    assert [subnet.macs for subnet in subnets] == [conv_pack.model.macs(0), conv_pack.model.macs(1)]
    with pytest.raises(KeyError, match=r"25%.*50%, 100%"):
        subnets["25%"]
    with pytest.raises(IndexError):
        subnets[2]


def test_accuracies_are_the_cards_or_none(tmp_path: Path) -> None:
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    shipped = reds.load(SHIPPED)
    assert [s.accuracy for s in shipped.subnets] == [s["accuracy"]["test"] for s in card["subnets"]]
    shutil.copy(SHIPPED, tmp_path / "mine.reds")
    assert {subnet.accuracy for subnet in reds.load(tmp_path / "mine.reds").subnets} == {None}
    (tmp_path / "mine.json").write_text(json.dumps(card))
    assert reds.load(tmp_path / "mine.reds").subnets["25%"].accuracy is not None


def test_the_card_of_another_pack_is_not_believed(tmp_path: Path) -> None:
    reds.write(dense_model([12, 8, 4], [[4, 4], [8, 4]]), tmp_path / "mine.reds")
    shutil.copy(SHIPPED.with_suffix(".json"), tmp_path / "mine.json")
    assert reds.load(tmp_path / "mine.reds").card is None


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 9])
def test_a_card_that_is_not_json_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path / "mine.reds")
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(PackError, match=r"mine\.json"):
        reds.load(tmp_path / "mine.reds")


@pytest.mark.parametrize("content", [b"", b"RED", SHIPPED.read_bytes()[:-1]])
def test_a_damaged_pack_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.reds").write_bytes(content)
    with pytest.raises(PackError, match=r"mine\.reds"):
        reds.load(tmp_path / "mine.reds")


def test_a_pack_names_its_checksum_and_the_model_it_holds(dense_pack: reds.Pack) -> None:
    assert len(dense_pack.sha256) == 64
    assert packs.dumps(dense_pack.model) == dense_pack.path.read_bytes()


@pytest.mark.parametrize("subnet", [True, 1.0, None, -1, 9])
def test_a_subnet_is_a_name_or_an_index(subnet: Any) -> None:
    loaded = reds.load(SHIPPED)
    with pytest.raises(ModelError):
        loaded.run(np.zeros((1, loaded.model.input_size), np.int8), subnet=subnet)


def test_no_example_gives_no_output() -> None:
    loaded = reds.load(SHIPPED)
    assert loaded.run(np.zeros((0, loaded.model.input_size), np.int8), subnet=np.int64(0)).shape == (0, 12)


def test_features_that_are_not_finite_are_refused() -> None:
    loaded = reds.load(SHIPPED)
    with pytest.raises(PackError, match="not finite"):
        loaded.run(np.full((1, loaded.model.input_size), np.nan), subnet=0)


def test_a_tensor_that_requires_a_gradient_is_read() -> None:
    loaded = reds.load(SHIPPED)
    x = torch.zeros(2, loaded.model.input_size, requires_grad=True)
    assert np.array_equal(loaded.run(x, subnet=0), loaded.run(x.detach().numpy(), subnet=0))


def test_a_card_without_accuracies_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.reds"
    file.write_bytes(SHIPPED.read_bytes())
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(card | {"subnets": [{}]}))
    with pytest.raises(PackError, match="card"):
        _ = reds.load(file).subnets
