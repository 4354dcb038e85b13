"""The host's reader and the runtime's loader accept the same packs, and run them with the same bits."""

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reds import pack
from reds.fixtures import fixtures_dir
from reds.pack.model import Kind, Model
from reds.pack.reader import unpack
from tests.support.nets import Maker, dense_model
from tests.targets.support.fuzz.__main__ import main
from tests.targets.support.fuzz.differential import compare, seeds
from tests.targets.support.fuzz.verdicts import read
from tests.targets.support.status import Status

MUTANTS = 3_000
SEED = 20_311_13349


def test_both_ends_agree_on_mutated_packs(runtime: ctypes.CDLL) -> None:
    tally = compare(runtime, seeds(), MUTANTS, SEED)
    assert [differs for _, differs in tally.disagreements] == []
    assert tally.compared > MUTANTS // 20, "the mutations are no longer accepted"
    assert {"OK", "MALFORMED", "CHECKSUM", "TRUNCATED", "UNSUPPORTED"} <= set(tally.verdicts)


def test_disagreement_is_found_and_its_file_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("reds.pack.reader.first_difference", lambda *_: "")  # the reader is lax
    monkeypatch.setattr("sys.argv", ["fuzz", "differential", "--runs", "500", "--keep", str(tmp_path)])
    assert main() == 1
    kept = sorted(tmp_path.iterdir())
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"disagreements {len(kept)}")
    assert unpack(kept[0].read_bytes())


def test_command_prints_counts_and_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "differential", "--runs", "200", "--keep", str(tmp_path)])
    assert main() == 0
    assert capsys.readouterr().out.startswith("200 mutants, ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted(fixtures_dir().glob("*.reds")), ids=lambda path: str(path.stem))
def test_shipped_pack_loads_and_is_written_again_byte_for_byte(runtime: ctypes.CDLL, path: Path) -> None:
    data = path.read_bytes()
    assert pack.dumps(unpack(data)) == data
    assert runtime.fuzz_load(data, len(data)) == Status.OK


def many_layers(count: int) -> Model:
    maker = Maker(1, 1, 2, 3)
    for _ in range(count):
        maker.add(Kind.DENSE, 2)
    return maker.build([[2] * count], "layers")


def many_subnets(count: int) -> Model:
    model = dense_model([5, 3], [[3]] * count, 1)
    return replace(model, subnets=tuple(replace(s, name=str(i)) for i, s in enumerate(model.subnets)))


def large_input(rows: int) -> Model:
    maker = Maker(rows, 2048, 1, 4)
    maker.add(Kind.CONV, 1, (1, 1), (255, 255))
    maker.add(Kind.MAX_POOL, 0, (1, 1), (1, 1))
    return maker.build([[1]], "large")


def many_values(columns: int) -> Model:
    maker = Maker(1024, 1027, 1, 4)
    maker.add(Kind.CONV, 1, (8, columns), (1, 1), (4, 0, 3, 0))
    maker.add(Kind.MAX_POOL, 0, (1, 1), (255, 255))
    return maker.build([[1]], "values")


def large_layers(count: int) -> Model:
    maker = Maker(2048, 2048, 1, 4)
    for _ in range(count):
        maker.add(Kind.MAX_POOL, 0, (1, 1), (1, 1))
    return maker.build([[]], "large")


@pytest.mark.parametrize(
    ("made", "most", "limit"),
    [
        (many_layers, 255, "MOST_LAYERS"),
        (many_subnets, 64, "MOST_SUBNETS"),
        (large_input, 2048, "LARGEST_TENSOR"),
        (many_values, 4, "window.MOST_WINDOW_VALUES"),
        (large_layers, 15, "MOST_VALUES"),
    ],
)
def test_largest_sizes_are_the_same_at_both_ends(
    runtime: ctypes.CDLL, made: Callable[[int], Model], most: int, limit: str
) -> None:
    largest = pack.dumps(made(most))
    assert read(largest) is not None
    assert runtime.fuzz_load(largest, len(largest)) == Status.OK
    with pytest.MonkeyPatch.context() as lax:
        lax.setattr(f"reds.pack.validate.{limit}", 1 << 40)
        larger = pack.dumps(made(most + 1))
    assert read(larger) is None
    assert runtime.fuzz_load(larger, len(larger)) == Status.MALFORMED
