"""`reds convert` rewrites a pack of version 1 with the same outputs, and nothing else reads such a pack."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import pack
from reds.errors import ModelError, PackError
from reds.fixtures import fixtures_dir
from reds.pack import version1 as version1_module
from reds.pack.format import TENSOR
from reds.pack.version1 import convert, convert_file
from tests.reds.support.command import run
from tests.reds.support.version1 import HEADER, LAYER, sealed, version1
from tests.support.nets import dense_model, random_model, roomy

SMALL = dense_model([12, 8, 4], [[4, 4], [8, 4]], 2)
SHIPPED = sorted(fixtures_dir().glob("*.reds"))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**20), subnets=st.integers(1, 3), apart=st.booleans())
def test_a_converted_pack_is_the_one_that_would_be_written(seed: int, subnets: int, apart: bool) -> None:
    model = random_model(seed, subnets)
    model = roomy(model) if apart else model
    assert convert(version1(model)) == pack.dumps(model)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_packs_are_those_of_their_old_form(path: Path) -> None:
    assert convert(version1(pack.load(path))) == path.read_bytes()


@settings(max_examples=200)
@given(at=st.integers(0, len(version1(SMALL)) - 1), value=st.integers(0, 255), seal=st.booleans())
def test_a_changed_pack_is_refused_or_keeps_every_rule(at: int, value: int, seal: bool) -> None:
    data = bytearray(version1(SMALL))
    data[at] = value
    try:
        converted = convert(sealed(bytes(data)) if seal else bytes(data))
    except ModelError:
        return
    pack.loads(converted, "net.reds")


def test_an_offset_that_leaves_its_field_is_refused() -> None:
    data = bytearray(version1(SMALL))
    weights_at = HEADER.size + 3 * TENSOR.size + LAYER.size - 8
    data[weights_at : weights_at + 4] = b"\xff" * 4
    with pytest.raises(ModelError):
        convert(sealed(bytes(data)))


@pytest.mark.parametrize("size", [0, 3, HEADER.size - 1, HEADER.size, len(version1(SMALL)) - 1])
def test_a_pack_cut_short_is_refused(size: int) -> None:
    with pytest.raises(ModelError):
        convert(version1(SMALL)[:size])


def test_a_card_gets_the_new_checksum_and_keeps_the_rest(tmp_path: Path) -> None:
    old, new = tmp_path / "old.reds", tmp_path / "new.reds"
    old.write_bytes(version1(SMALL))
    card = {"name": "x", "pack_sha256": hashlib.sha256(old.read_bytes()).hexdigest(), "bytes": 1, "note": "é"}
    old.with_suffix(".json").write_text(json.dumps(card))
    convert_file(old, new)
    data = new.read_bytes()
    changed = {"pack_sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert json.loads(new.with_suffix(".json").read_text()) == card | changed
    old.with_suffix(".json").write_text(json.dumps(card | {"pack_sha256": "of another pack"}))
    convert_file(old, tmp_path / "third.reds")
    assert not (tmp_path / "third.json").exists()
    status, output = run("convert", old, tmp_path / "fourth.reds")
    assert status == 0
    assert "no card" in output


def test_an_interrupted_conversion_in_place_is_completed_by_another(tmp_path: Path) -> None:
    old = tmp_path / "old.reds"
    old.write_bytes(version1(SMALL))
    card = old.with_suffix(".json")
    card.write_text(json.dumps({"name": "x", "pack_sha256": hashlib.sha256(old.read_bytes()).hexdigest()}))
    real, written = version1_module.write_atomically, []

    def killed(path: Path, data: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        real(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(version1_module, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            convert_file(old, old, force=True)
    assert convert_file(old, old, force=True).card == card
    assert old.read_bytes() == pack.dumps(SMALL)
    assert json.loads(card.read_text())["pack_sha256"] == hashlib.sha256(old.read_bytes()).hexdigest()


def test_no_pack_is_written_if_its_card_cannot_be(tmp_path: Path) -> None:
    old, new = tmp_path / "old.reds", tmp_path / "new.reds"
    old.write_bytes(version1(SMALL))
    sha256 = hashlib.sha256(old.read_bytes()).hexdigest()
    old.with_suffix(".json").write_text(json.dumps({"pack_sha256": sha256}))
    new.with_suffix(".json").mkdir()
    with pytest.raises(PackError):
        convert_file(old, new, force=True)
    assert not new.exists()


def test_files_that_are_there_stay_unless_forced(tmp_path: Path) -> None:
    old, new = tmp_path / "old.reds", tmp_path / "new.reds"
    old.write_bytes(version1(SMALL))
    new.write_bytes(b"mine")
    with pytest.raises(PackError):
        convert_file(old, new)
    assert new.read_bytes() == b"mine"
    convert_file(old, old, force=True)
    assert old.read_bytes() == pack.dumps(SMALL)
    with pytest.raises(PackError):
        convert_file(old, new, force=True)


def test_a_pack_of_version_1_is_refused_by_the_name_of_the_converter(tmp_path: Path) -> None:
    old, new = tmp_path / "old.reds", tmp_path / "new.reds"
    old.write_bytes(version1(SMALL))
    status, output = run("inspect", old)
    assert status == 1
    assert "reds convert" in output
    old.write_bytes(sealed(version1(SMALL)[:6] + b"\1\0" + version1(SMALL)[8:]))  # laid out for a device
    assert "reds convert" in run("inspect", old)[1]
    assert run("convert", old, new)[0] == 1
    old.write_bytes(version1(SMALL))
    assert run("convert", old, tmp_path / "new.json")[0] == 1
    status, output = run("convert", old, new)
    assert status == 0, output
    assert f"{new.stat().st_size:,} bytes" in output
    assert run("inspect", new)[0] == 0
