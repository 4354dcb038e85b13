"""Arrays that others wrote: read as numpy reads them, or refused before anything large is made."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from reds.data.arrays import read_arrays
from reds.errors import DataError
from tests.support.odd_files import ODD_FILES, OddFile
from tests.support.refusals import may_refuse

PLAIN = nps.arrays(
    st.sampled_from(["u1", "i1", "<i4", ">i8", "f2", "f4", ">f8", "?", "<U3", ">U2", "S4"]),
    nps.array_shapes(min_dims=0, max_side=4),
)
DIRECT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=True)
    return out.getvalue()


def with_header(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@given(arrays=st.dictionaries(st.sampled_from("abc"), PLAIN), packed=st.booleans(), fortran=st.booleans())
@DIRECT
def test_arrays_are_read_as_numpy_reads_them(
    arrays: dict[str, Any], packed: bool, fortran: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    arrays = {name: np.asfortranarray(x) if fortran else x for name, x in arrays.items()}
    (np.savez_compressed if packed else np.savez)(path, **arrays)
    found = read_arrays(path)
    with np.load(path) as expected:
        assert set(found) == set(expected.files)
        for name in expected.files:
            assert found[name].dtype == expected[name].dtype
            assert found[name].flags.writeable
            np.testing.assert_array_equal(found[name], expected[name])


GOOD = npy(np.arange(6, dtype=np.int8).reshape(2, 3))
HEADER = "{'descr': '|i1', 'fortran_order': False, 'shape': (%s), }"
HOSTILE: dict[str, bytes] = {
    "objects": npy(np.array([1, "a"], object)),
    "structures": npy(np.zeros(2, [("a", "i4")])),
    "times": npy(np.array(["2024-01-01"], "M8[D]")),
    "shape too large": with_header(HEADER % "1 << 40,", b"\0"),
    "huge shape": with_header(HEADER % "99999999999999999999999999,", b"\0"),
    "negative shape": with_header(HEADER % "-2, -3", b"\0" * 6),
    "shape of texts": with_header(HEADER % "'2',", b"\0" * 2),
    "shape and bytes differ": GOOD + b"\0",
    "cut short": GOOD[:-1],
    "nested header": with_header("(" * 100),
    "code as header": with_header("__import__('os').abort()"),
    "no header": b"\x93NUMPY\x01\x00",
    "long header": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    "other version": b"\x93NUMPY\x07\x00" + GOOD[8:],
    "text": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_array_is_refused_with_the_name_of_its_file(data: bytes, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", x=data)
    with pytest.raises(DataError) as caught:
        read_arrays(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("odd", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_a_file_that_cannot_be_read_is_refused(odd: OddFile, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_arrays(odd(tmp_path))


def test_a_bomb_is_refused_by_the_size_that_it_claims(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(2_000_000, np.int8)))
    assert path.stat().st_size < 10_000
    assert read_arrays(path, 3_000_000)["x"].size == 2_000_000
    with pytest.raises(DataError, match="2,000,128 bytes, at most 1,000,000"):
        read_arrays(path, 1_000_000)


def test_a_bomb_that_claims_to_be_small_is_not_unpacked(tmp_path: Path) -> None:
    size, claimed = 128 + (1 << 26), 200
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(1 << 26, np.int8)))
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), claimed.to_bytes(4, "little")))
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            read_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused_as_they_have_no_bounds(compression: int, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x.npy", GOOD)
    with pytest.raises(DataError):
        read_arrays(path)


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", GOOD)
        archive.writestr("x", GOOD)
    with pytest.raises(DataError):
        read_arrays(path)


@given(data=st.data())
@DIRECT
def test_damaged_bytes_give_arrays_or_one_line(data: st.DataObject, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", x=GOOD, y=npy(np.arange(300)))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    with may_refuse(DataError, path):
        read_arrays(path, 1 << 20)
