"""Visual Wake Words from a small archive of the same layout; no network."""

import hashlib
import io
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from reds.data import visual_wake_words
from reds.data.catalog import SETS
from reds.data.images import to_int8
from reds.data.load import load_data
from reds.data.local_files import sha256_of
from reds.data.visual_wake_words import load_visual_wake_words, part_of
from reds.errors import DataError
from reds.experiment.prepare import graph_of
from reds.experiment.recipe import Recipe
from reds.experiment.recipe_file import parse_recipe
from reds.fixtures import fixtures_dir

QUIET = Console(quiet=True)
SET = SETS["visual-wake-words"]
COUNT = 90
"""Of photographs in either class."""


def photograph(seed: int, side: int = 96, mode: str = "RGB") -> bytes:
    pixels, data = np.random.default_rng(seed).integers(0, 256, (3, 3, 3)).astype(np.uint8), io.BytesIO()
    Image.fromarray(pixels).resize((side, side)).convert(mode).save(data, "JPEG")
    return data.getvalue()


def archive(path: Path, odd: bytes = b"") -> Path:
    """As the official one: each class in its folder, one after the other; the first photograph may be odd."""
    with tarfile.open(path, "w:gz") as tar:
        for label, name in enumerate(("person", "non_person")):
            for i in range(COUNT):
                data = odd if odd and not label and not i else photograph(1000 * label + i)
                info = tarfile.TarInfo(f"vw_coco2014_96/{name}/COCO_train2014_{1000 * label + i:012}.jpg")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("official") / "tiny.tar.gz")


def recipe(source: str) -> Recipe:
    text = (fixtures_dir() / "recipes" / "cifar10-ds-cnn-s.toml").read_text()
    text = text.replace('"cifar-10"', '"visual-wake-words"').replace("ds-cnn-s-32x32x3", "mobilenet-0.25")
    return parse_recipe(text.replace('source = "auto"', f'source = "{source}"'), "r.toml")


def test_every_photograph_is_in_the_part_that_its_name_decides(official: Path, tmp_path: Path) -> None:
    data = load_visual_wake_words(SET, tmp_path, QUIET, official.as_uri(), sha256_of(official))
    assert data.files == {"tiny.tar.gz": sha256_of(official)}
    assert data.train_x.shape[0] == 1
    for part, x, y in (("train", data.train_x[0], data.train_y), ("test", data.test_x, data.test_y),
                       ("validation", data.validation_x, data.validation_y)):  # fmt: skip
        wanted = {}
        for seed in (*range(COUNT), *range(1000, 1000 + COUNT)):
            digest = hashlib.sha1(f"COCO_train2014_{seed:012}.jpg".encode()).hexdigest()
            place = int(digest, 16) % 100
            if part == ("test" if place < 5 else "validation" if place < 10 else "train"):
                pixels = np.asarray(Image.open(io.BytesIO(photograph(seed))))
                wanted[digest] = to_int8(pixels).tobytes(), int(seed < 1000)
        assert [(one.tobytes(), label) for one, label in zip(x, y, strict=True)] == [
            wanted[digest] for digest in sorted(wanted)
        ]
        assert set(y) == {0, 1}
    again = load_visual_wake_words(
        SET, tmp_path, QUIET, "http://127.0.0.1:9/tiny.tar.gz", sha256_of(official)
    )
    np.testing.assert_array_equal(again.test_x, data.test_x)  # the archive is cached


def test_photographs_are_spread_over_the_parts_as_documented() -> None:
    parts = [part_of(f"vw_coco2014_96/person/COCO_val2014_{i:012}.jpg") for i in range(20_000)]
    assert parts.count("test") / 20_000 == pytest.approx(0.05, abs=0.005)
    assert parts.count("validation") / 20_000 == pytest.approx(0.05, abs=0.005)
    assert part_of("a/person/x.jpg") == part_of("b/non_person/x.jpg")


def test_a_recipe_loads_the_data_and_a_net_of_two_classes(
    official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDS_DATA", str(tmp_path))
    url, sha256 = official.as_uri(), sha256_of(official)
    monkeypatch.setattr(
        visual_wake_words, "load_visual_wake_words", partial(load_visual_wake_words, url=url, sha256=sha256)
    )
    data = load_data(recipe("auto").data, 0, QUIET)
    assert data.set.classes == ("non_person", "person")
    assert graph_of(recipe("auto"), data.set).full[-1] == 2
    with pytest.raises(DataError, match=r"visual-wake-words.*source = 'archive'"):
        load_data(recipe("prepared").data, 0, QUIET)


def test_an_archive_that_is_unreachable_changed_or_damaged_is_named(official: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"http://127.0.0.1:9/x\.tar\.gz"):
        load_visual_wake_words(SET, tmp_path, QUIET, "http://127.0.0.1:9/x.tar.gz")
    with pytest.raises(DataError, match=r"sha256.*f8746b"):
        load_visual_wake_words(SET, tmp_path, QUIET, official.as_uri())
    assert not list(tmp_path.iterdir())
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(official.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"cut\.tar\.gz"):
        load_visual_wake_words(SET, tmp_path, QUIET, cut.as_uri(), sha256_of(cut))


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (photograph(0, 95), r"000000000000\.jpg"),
        (photograph(0)[:300], r"000000000000\.jpg"),
        (b"hello", r"000000000000\.jpg"),
    ],
)
def test_a_photograph_of_another_size_or_kind_is_named(odd: bytes, says: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "odd.tar.gz", odd)
    with pytest.raises(DataError, match=says) as caught:
        load_visual_wake_words(SET, tmp_path, QUIET, path.as_uri(), sha256_of(path))
    assert "\n" not in str(caught.value)


def test_a_gray_photograph_has_three_equal_units(tmp_path: Path) -> None:
    path = archive(tmp_path / "odd.tar.gz", photograph(0, 96, "L"))
    data = load_visual_wake_words(SET, tmp_path / "cache", QUIET, path.as_uri(), sha256_of(path))
    every = np.concatenate([data.train_x[0], data.validation_x, data.test_x])
    assert sum((x == x[..., :1]).all() for x in every) == 1


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(__file__, "readme.py")
    with pytest.raises(DataError, match=r"other\.tar\.gz.*non_person"):
        load_visual_wake_words(SET, tmp_path, QUIET, path.as_uri(), sha256_of(path))
