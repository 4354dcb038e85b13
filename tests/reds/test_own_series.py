"""A user's own CSV time series: windows that no other part overlaps, or one line that says why not."""

from collections.abc import Callable
from contextlib import suppress
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import Dataset
from reds.data.checks import RawData
from reds.data.csv_files import read_recording
from reds.data.options import DataOptions, SeriesOptions, SoundOptions
from reds.data.own import read_own
from reds.data.user_files import load_user_data
from reds.errors import DataError
from tests.reds.support.own import motions


def table(path: Path, labels: str, seed: int = 0, columns: str = "x,y", more: str = "") -> Path:
    """A CSV file with a row for each letter, the class of the row; its features are unlike all others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = [f"{rng.normal():.6f},{rng.normal():.6f},{letter}{more}" for letter in labels]
    path.write_text("\n".join([f"{columns},label{',who' * bool(more)}", *rows]) + "\n")
    return path


def read(path: Path, pattern: str | None = None, **series: Any) -> RawData:
    return read_own(path, DataOptions("", group=pattern, series=SeriesOptions(**series)), 0)


def rows_of(raw: RawData) -> dict[str, set[bytes]]:
    """The rows, as bytes, that the windows of each part hold."""
    return {
        part: {row.tobytes() for window in x for row in window.reshape(-1, x.shape[-1])}
        for part, (x, _) in raw.parts.items()
    }


def test_windows_hold_the_rows_of_the_file_with_columns_as_units(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", 40 * "a" + 40 * "b")
    raw = read(path, window=8)
    assert raw.classes == ("a", "b")
    values = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1), dtype=np.float32)
    for x, y in raw.parts.values():
        assert x.shape[1:] == (8, 1, 2)
        for window, label in zip(x[:, :, 0], y, strict=True):
            (at,) = np.flatnonzero((values == window[0]).all(1))
            np.testing.assert_array_equal(window, values[at : at + 8])
            assert {label} == {0 if row < 40 else 1 for row in range(at, at + 8)}
            assert at % 4 == 0
    assert raw.front_end == {"features": "window", "rows": 8, "columns": ["x", "y"]}


@settings(max_examples=40, deadline=None)
@given(
    runs=st.lists(st.integers(1, 60), min_size=2, max_size=10),
    files=st.integers(1, 4),
    window=st.integers(2, 9),
    stride=st.integers(1, 9),
)
def test_no_row_is_in_two_parts(
    runs: list[int], files: int, window: int, stride: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of one file or several, however windows overlap."""
    folder = tmp_path_factory.mktemp("series")
    for i in range(files):
        table(folder / f"{i}.csv", "".join("ab"[(k + i) % 2] * run for k, run in enumerate(runs)), seed=i)
    with suppress(DataError):  # too few windows of a class
        raw = read(folder, window=window, stride=stride)
        assert set(raw.parts) == {"train", "test", "validation"}
        for one, other in combinations(rows_of(raw).values(), 2):
            assert not one & other
        for _, y in raw.parts.values():
            assert set(y) == {0, 1}


def test_one_recording_is_split_in_time_and_several_by_file(tmp_path: Path) -> None:
    one = read(table(tmp_path / "one.csv", 100 * "a" + 100 * "b"), window=10)
    assert one.split.startswith("the last windows of every class, 20% test and 10% validation; ")
    for i in range(5):
        table(tmp_path / "many" / f"{i}.csv", 40 * "a" + 40 * "b", seed=i)
    assert read(tmp_path / "many", window=10).split == (
        "of 5 groups 1 test, drawn with seed 0; of the others 1 validate, drawn with seed 0;"
        " a group is a file"
    )


def test_a_group_is_a_column_or_found_in_names_of_files_and_in_one_part(tmp_path: Path) -> None:
    for i in range(10):
        who = f",person{i % 5}"
        table(tmp_path / "mine" / f"{i % 5}_{i}.csv", 20 * "a" + 20 * "b", seed=i, more=who)
    values = {
        row: path.name[0]
        for path in (tmp_path / "mine").iterdir()
        for row in map(bytes, np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1), dtype=np.float32))
    }
    for raw in (
        read(tmp_path / "mine", window=10, pattern="^(.)_", columns=("x", "y")),
        read(tmp_path / "mine", window=10, group="who"),
    ):
        people = [{values[row] for row in rows} for rows in rows_of(raw).values()]
        assert sorted(map(len, people)) == [1, 1, 3]
        assert len(set().union(*people)) == 5


def test_folders_of_classes_and_of_parts_are_read(tmp_path: Path) -> None:
    for seed, (part, name) in enumerate(product(("train", "test"), ("rest", "walk"))):
        path = table(tmp_path / "mine" / part / name / "0.csv", 80 * "a", seed=seed)
        path.write_text("\n".join(line.rpartition(",")[0] for line in path.read_text().splitlines()))
    raw = read(tmp_path / "mine", window=10)
    assert raw.classes == ("rest", "walk")
    assert raw.split.startswith("test part as given; the last windows of every class, 10% validation")
    for part in ("train", "test"):
        table(tmp_path / "flat" / part / "0.csv", 80 * "a" + 80 * "b", seed=len(part))
    flat = read(tmp_path / "flat", window=10)
    assert flat.parts["test"].x.shape == (30, 10, 1, 2)


def test_a_window_of_1_makes_every_row_an_example(tmp_path: Path) -> None:
    path = table(tmp_path / "iris.csv", 20 * "ab")
    with pytest.raises(DataError, match=r"no 64 rows.*1 makes every row an example"):
        read(path)
    raw = read(path, window=1)
    assert raw.parts["train"].x.shape == (32, 1, 1, 2)
    assert Dataset.read(path, series=SeriesOptions(window=1)).train[0].shape == (32, 2)


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("x,label\n" + "".join(f"{i * 7 % 5},{label}\n" for label in (10, 9) for i in range(200)))
    assert read(path).classes == ("9", "10")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_other_separators_marks_and_line_ends_give_the_same_examples(
    separator: str, mark: str, end: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "mine.csv", 100 * "a" + 100 * "b")
    plain = read(path, window=10)
    text = mark + path.read_text().replace(",", separator).replace("\n", end) + end
    path.write_bytes(text.encode())
    for part, (x, y) in read(path, window=10).parts.items():
        np.testing.assert_array_equal(x, plain.parts[part].x)
        np.testing.assert_array_equal(y, plain.parts[part].y)


def lines(*changes: tuple[int, str]) -> bytes:
    """Twenty lines of three cells, some lines written otherwise; the first line is 1."""
    made = ["x,y,label", *(f"0.{i % 7},{i * 13 % 10},a" for i in range(20))]
    for at, text in changes:
        made[at - 1] = text
    return "\n".join(made).encode()


FILES: dict[str, tuple[bytes, str]] = {
    "a word": (lines((7, "1,two,a")), r"line 7, column y is 'two'"),
    "a missing value": (lines((7, "1,,a")), r"line 7, column y is empty"),
    "a NaN": (lines((7, "1,nan,a")), r"line 7, column y is 'nan'"),
    "NA": (lines((7, "NA,1,a")), r"line 7, column x is 'NA'"),
    "infinity": (lines((7, "1,-inf,a")), r"line 7, column y is '-inf'"),
    "an underscore": (lines((7, "1,1_000,a")), r"line 7, column y is '1_000'"),
    "a huge number": (lines((7, "1,1.7e12,a")), r"line 7, column y is 1\.7e\+12, beyond 1,000,000"),
    "no label": (lines((7, "1,1,")), r"line 7, column label is empty"),
    "a short line": (lines((7, "1,a")), "line 7 has 2 cells, the first line 3"),
    "a long line": (lines((7, "1,5,2,5,a")), "line 7 has 5 cells"),
    "an empty line": (lines((7, "")), "line 7 is empty"),
    "a comma in a quoted number": (lines((7, '"1,5",2,a')), r"line 7, column x is '1,5'.*decimal point"),
    "decimal commas": (lines().translate(bytes.maketrans(b",.", b";,")), "line 2, column x is '0,0'.*point"),
    "a quote without an end": (lines((7, '"1,2,a')), r"line "),
    "no first line": (lines((1, "0.1,2,a")), r"line 1: '0\.1' is no name"),
    "a column without a name": (lines((1, ",y,label")), "line 1: column 1 has no name"),
    "two columns of one name": (lines((1, "y,y,label")), "line 1: two columns are named y"),
    "another name of the label": (lines((1, "x,y,Label")), "line 1: no column is named label.*Label"),
    "only labels": (b"label\na\n", "line 1 names label: one column of numbers"),
    "only a first line": (b"x,y,label\n", "holds no line"),
    "nothing": (b"", "line 1 is empty"),
    "a class in one row": (lines((7, "1,2,aa")), "the class 'aa' has no 4 rows in a row, at most 1"),
    "a class with a NUL": (lines((7, "1,2,a\0a")), "line 7 holds a zero byte"),
    "UTF-16": (lines().decode().encode("utf-16"), "UTF-16"),
    "Latin-1": (b"x,label\n1,\xe4\n", "line 2 is not UTF-8"),
    "a NUL": (lines((7, "1,\0,a")), "line 7"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    data, place = FILES[name]
    path = tmp_path / "mine.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=place) as caught:
        read(path, window=4)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def clock(path: Path) -> Path:
    rows = [f"{i},{i * 7 % 5},{'ab'[i // 100]}" for i in range(200)]
    path.write_text("\n".join(["time,x,label", *rows]))
    return path


def test_a_clock_is_no_feature_unless_it_is_named(tmp_path: Path) -> None:
    path = clock(tmp_path / "mine.csv")
    with pytest.raises(DataError, match=r"column time rises.*columns = \['x'\]"):
        read(path, window=10)
    assert read(path, window=10, columns=("x",)).front_end["columns"] == ["x"]
    assert read(path, window=10, columns=("time", "x")).front_end["columns"] == ["time", "x"]


def test_a_clock_that_begins_again_is_no_feature(tmp_path: Path) -> None:
    rows = [f"{i % 100 / 50},{i * 7 % 5},{'ab'[i // 400]}" for i in range(800)]
    (tmp_path / "mine.csv").write_text("\n".join(["time,x,label", *rows]))
    with pytest.raises(DataError, match="column time rises"):
        read(tmp_path / "mine.csv", window=10)


def test_a_class_that_is_shorter_than_a_window_everywhere_is_named(tmp_path: Path) -> None:
    table(tmp_path / "mine" / "0.csv", 100 * "a" + 100 * "b" + 7 * "c")
    table(tmp_path / "mine" / "1.csv", 9 * "c" + 100 * "a" + 100 * "b", seed=1)
    with pytest.raises(
        DataError, match=r"1\.csv: the class 'c' has no 10 rows in a row, at most 9: .*window = 9"
    ):
        read(tmp_path / "mine", window=10)


def test_spaces_before_quotes_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(
        b'"x", "y", "label"\r\n' + 50 * b'"1.5", "2", "a"\r\n' + 50 * b'1, 3, "b"\r\n'
    )
    raw = read(tmp_path / "mine.csv", window=4)
    assert raw.classes == ("a", "b")
    np.testing.assert_array_equal(raw.parts["train"].x[0, 0, 0], [1.5, 2])


def odd_columns(folder: Path) -> str:
    table(folder / "1.csv", 20 * "ab", columns="y,x")
    return "1.csv: line 1: its columns are y, x"


def odd_file(folder: Path) -> str:
    (folder / "notes.txt").write_text("hello")
    return "notes.txt: only .csv files"


def odd_folder(folder: Path) -> str:
    (folder / "a").mkdir()
    return r"0\.csv: lies beside the folder a"


def one_class(folder: Path) -> str:
    table(folder / "0.csv", 100 * "a")
    return "2 to 256 classes"


def regression(folder: Path) -> str:
    rows = [f"{i % 7},{i / 7}" for i in range(1000)]
    (folder / "0.csv").write_text("\n".join(["x,label", *rows]))
    return "no 64 rows"


@pytest.mark.parametrize("harm", [odd_columns, odd_file, odd_folder, one_class, regression])
def test_a_folder_that_cannot_be_used_is_refused(harm: Callable[[Path], str], tmp_path: Path) -> None:
    table(tmp_path / "mine" / "0.csv", 100 * "a" + 100 * "b")
    place = harm(tmp_path / "mine")
    with pytest.raises(DataError, match=place):
        read(tmp_path / "mine")


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (DataOptions("", series=SeriesOptions(window=0)), "window is 0"),
        (DataOptions("", series=SeriesOptions(stride=0)), "stride is 0"),
        (DataOptions("", series=SeriesOptions(columns=("x", "w"))), "no column is named w"),
        (DataOptions("", series=SeriesOptions(group="who")), "no column is named who"),
        (DataOptions("", sounds=SoundOptions(seconds=2)), "sounds is given"),
        (DataOptions("", group="(.)"), "group is given"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: DataOptions, place: str, tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", 100 * "a" + 100 * "b")
    with pytest.raises(DataError, match=place):
        read_own(path, options, 0)


def test_stretches_shorter_than_a_window_are_counted(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", 100 * "a" + 100 * "b" + 5 * "a" + 5 * "b")
    assert read(path, window=10).notes == ("2 stretches of one class are shorter than 10 rows and left out",)


def test_a_file_in_one_line_of_python_is_that_of_a_recipe(tmp_path: Path) -> None:
    path = motions(tmp_path / "motion.csv")
    data, of_recipe = Dataset.read(path).stored("motion"), load_user_data(path, 0)
    np.testing.assert_array_equal(data.train_x, of_recipe.train_x)
    assert (data.set.shape, data.files, data.split) == ((64, 1, 3), of_recipe.files, of_recipe.split)
    assert data.front_end == of_recipe.front_end


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='0123456789.,;-e\n\r"x \t', max_size=60), st.binary(max_size=8))
def test_any_text_gives_finite_numbers_or_one_line(text: str, end: bytes) -> None:
    with suppress(DataError):
        made = read_recording(b"x,y,label\n" + text.encode() + end, Path("a.csv"), texts=["label"])
        assert np.isfinite(made.x).all()
        assert made.x.shape == (len(made.texts["label"]), 2)
