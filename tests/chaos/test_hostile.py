"""What chaos makes is as hostile as it is meant to be, and its judgement of output is right."""

import json
import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import PackError
from reds.pack import loads
from reds.pack.format import HEADER
from tests.chaos import damage, hostile, hostile_packs
from tests.chaos.damage import Damage
from tests.chaos.sentences import errors, faults, one_sentence

SEEDS = st.integers(0, 2**32).map(random.Random)
TREE = {"board": [{"name": "desk", "core": 3}, {"name": "pi"}], "more": {"x": 1.5}}


@given(SEEDS)
def test_trees_are_written_as_they_are(rng: random.Random) -> None:
    """Compared by their text: a NaN is not equal to itself."""
    changed = hostile.mutated_tree(TREE, rng)
    try:
        text = json.dumps(changed)
    except RecursionError:
        return
    assert json.dumps(json.loads(hostile.json_text(changed))) == text
    if isinstance(changed, dict) and "10000000000" not in text:
        read = tomllib.loads(hostile.toml(changed).replace("\r\n", "\n"))
        assert json.dumps(read) == text


@given(SEEDS, st.integers(0, hostile_packs.NETS - 1))
def test_most_mutants_differ_from_their_pack_in_few_bytes(rng: random.Random, net: int) -> None:
    sound = hostile_packs.sound_pack(net)
    loads(sound, "sound")
    mutant = hostile_packs.mutated_pack(sound, rng)
    if len(mutant) == len(sound):
        assert sum(a != b for a, b in zip(mutant, sound, strict=True)) <= 4 + 4 * HEADER.size


def test_mutants_are_mostly_refused_for_more_than_their_checksum() -> None:
    said = []
    for seed in range(200):
        try:
            loads(hostile_packs.mutated_pack(hostile_packs.sound_pack(0), random.Random(seed)), "mutant")
        except PackError as error:
            said.append(str(error))
        except Exception as error:
            said.append(repr(error))
    assert len(set(said)) > 30
    assert sum("checksum" in text for text in said) < 40


def test_large_packs_are_small_files_of_huge_tensors() -> None:
    made = [hostile_packs.large_pack(random.Random(seed)) for seed in range(20)]
    assert max(map(len, made)) < 400
    assert len(set(made)) == 20


@pytest.mark.parametrize("how", damage.OF_FILES)
def test_damage_of_a_file_shows(how: Damage, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    file = tmp_path / "file"
    file.write_bytes(bytes(range(100)))
    file.chmod(0o755)
    before = file.lstat()
    how(file, random.Random(0))
    after = file.lstat()
    unlike = file.is_file() and file.stat().st_mode & 0o400 and file.read_bytes() != bytes(range(100))
    assert unlike or (before.st_mode, before.st_uid) != (after.st_mode, after.st_uid)


@pytest.mark.parametrize("how", damage.OF_FOLDERS)
def test_damage_of_a_folder_shows_and_can_be_removed(how: Damage, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    before = folder.lstat()
    how(folder, random.Random(0))
    assert (before.st_mode, before.st_uid) != (folder.lstat().st_mode, folder.lstat().st_uid)


SECTION = (
    "=== ERRORS ===\n____ ERROR at setup of a ____\n{}\n____ ERROR at setup of b ____\n{}\n=== short ===\n"
)


@pytest.mark.parametrize(
    ("text", "count", "wrong"),
    [
        ("Error: x is absent\n", 1, False),
        ("ERROR: x\nERROR: y\n", 2, True),
        ("all is well\n", 0, True),
        (SECTION.format("desk: lost", "desk: lost"), 1, False),
        (SECTION.format("desk: lost", "desk: lost again"), 2, True),
        (SECTION.format("a.py:1: in b\nE   KeyError: 1", "desk: lost"), 2, True),
    ],
)
def test_one_sentence_is_one_line_of_one_error(text: str, count: int, wrong: bool) -> None:
    assert len(errors(text)) == count
    assert bool(one_sentence(text)) == wrong


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Traceback (most recent call last):\n  File\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("INTERNALERROR> Traceback\nINTERNALERROR> rich.errors.MarkupError: tag\n", "MarkupError: tag"),
        ("name \x1b[2J\n", "x1b"),
        ("right to \u202e left\n", "u202e"),
    ],
)
def test_tracebacks_and_unprintable_characters_are_faults(text: str, says: str) -> None:
    (found,) = faults(text)
    assert says in found


def test_plain_output_has_no_fault() -> None:
    assert faults("a table \u2502 of \u00b5s\n") == ()
