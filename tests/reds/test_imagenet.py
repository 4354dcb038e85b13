"""A folder of ImageNet's form becomes examples that a checkpoint's model would read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

import reds
from reds.data.imagenet import DEVIATION, MEAN, SCALE, ZERO, cropped, load_imagenet
from reds.errors import DataError
from reds.experiment.prepare import check_recipe
from reds.zoo.dnn import dnn
from tests.reds.support.torchvision import v2

CLASSES = ("n01440764", "n01443537", "n02102040")
EACH, TESTED = 12, 2
QUIET = Console(quiet=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hold a small folder with classes in `val`; pictures of class i are about as bright as i."""
    monkeypatch.setenv("REDS_DATA", str(tmp_path / "cache"))
    rng, made = np.random.default_rng(0), tmp_path / "imagenet"
    for i, name in enumerate(CLASSES):
        for part, count in (("train", EACH), ("val", TESTED)):
            (made / part / name).mkdir(parents=True)
            for j in range(count):
                pixels = rng.integers(60 * i, 60 * i + 60, (30 + j, 40, 3), np.uint8)
                Image.fromarray(pixels).save(made / part / name / f"{name}_{j}.JPEG", quality=95)
    gray = made / "train" / CLASSES[0] / f"{CLASSES[0]}_0.JPEG"
    Image.open(gray).convert("L").save(gray)
    return made


def flat(folder: Path, solution: Callable[[str], str] = lambda name: f"{name} 1 2 3 4") -> None:
    """Move the pictures of `val` out of their classes, into Kaggle's form."""
    lines = ["ImageId,PredictionString"]
    for name in CLASSES:
        for file in sorted((folder / "val" / name).iterdir()):
            lines.append(f"ILSVRC_{file.stem},{solution(name)}")
            file.rename(folder / "val" / f"ILSVRC_{file.name}")
        (folder / "val" / name).rmdir()
    (folder / "LOC_val_solution.csv").write_text("\n".join(lines) + "\n")


def test_pictures_have_their_class_and_are_mapped_not_read(folder: Path) -> None:
    data = load_imagenet(folder, console=QUIET)
    assert data.set.classes == CLASSES
    assert data.train_x.shape == (1, 3 * (EACH - 1), 224, 224, 3)
    assert len(data.validation_x) == 3
    assert len(data.test_x) == 3 * TESTED
    for x, y in (
        (data.train_x[0], data.train_y),
        (data.validation_x, data.validation_y),
        (data.test_x, data.test_y),
    ):
        brightness = x.mean((1, 2, 3)) + 128
        assert ((brightness - 30) / 60).round().astype(int).tolist() == y.tolist()
        while not isinstance(x, np.memmap):
            x = x.base
    assert data.train_y.dtype == np.uint16


def test_both_forms_of_the_test_part_are_the_same(folder: Path) -> None:
    sorted_ = load_imagenet(folder, console=QUIET)
    flat(folder)
    found = load_imagenet(folder, console=QUIET)
    labels = {x.tobytes(): y for x, y in zip(sorted_.test_x, sorted_.test_y, strict=True)}
    assert len(labels) == 3 * TESTED
    assert [labels[x.tobytes()] for x in found.test_x] == found.test_y.tolist()


def test_features_are_those_of_torchvision_once_standardized(folder: Path) -> None:
    """A net of `read_standardized` computes z * deviation + mean."""
    file = sorted((folder / "val" / CLASSES[1]).iterdir())[0]
    data = load_imagenet(folder, console=QUIET)
    there = v2.Compose(
        [
            v2.Resize(256),
            v2.CenterCrop(224),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, DEVIATION),
        ]
    )
    expected = there(Image.open(file)).permute(1, 2, 0).numpy()
    read, standardization = data.set.real(data.test_x), data.set.standardization
    users = read * np.array(standardization.deviation) + np.array(standardization.mean)
    nearest = min(np.abs(users - expected).max((1, 2, 3)))
    assert nearest < 1e-4
    assert (data.set.scale, data.set.zero) == (SCALE, ZERO)


@pytest.mark.parametrize("sides", [(300, 400), (400, 300), (256, 256), (100, 90)])
def test_the_center_is_kept_of_pictures_of_any_side(sides: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: sides[0], : sides[1]]
    pixels = np.stack([rows * 255 // sides[0], columns * 255 // sides[1], rows * 0], 2).astype(np.uint8)
    x = cropped(pixels)
    assert x.shape == (224, 224, 3)
    assert np.abs(x[111:113, 111:113, :2].astype(int) - 127).max() <= 3


def test_the_second_call_maps_what_the_first_one_wrote(folder: Path) -> None:
    first = load_imagenet(folder, console=QUIET)
    assert len([*(folder.parent / "cache").iterdir()]) == 1
    again = load_imagenet(folder, console=QUIET)
    assert first.files == again.files
    other = load_imagenet(folder, seed=1, console=QUIET)
    assert (other.validation_x != first.validation_x).any()
    picture = sorted((folder / "train" / CLASSES[0]).iterdir())[1]
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(picture)
    assert load_imagenet(folder, console=QUIET).files != first.files


def remove_class(folder: Path) -> None:
    for file in (folder / "val" / CLASSES[1]).iterdir():
        file.unlink()
    (folder / "val" / CLASSES[1]).rmdir()


def damage(folder: Path) -> None:
    (folder / "train" / CLASSES[2] / f"{CLASSES[2]}_3.JPEG").write_bytes(b"\xff\xd8\xff")


def lone(folder: Path) -> None:
    for file in sorted((folder / "train" / CLASSES[0]).iterdir())[1:]:
        file.unlink()


def unsolved(folder: Path) -> None:
    flat(folder)
    (folder / "LOC_val_solution.csv").unlink()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (remove_class, f"{CLASSES[1]} is a class of one of train and val"),
        (damage, f"{CLASSES[2]}_3.JPEG: .*replace or remove it"),
        (lone, f"{CLASSES[0]}: holds 1 pictures: 2 or more"),
        (unsolved, "LOC_val_solution.csv: cannot be read"),
        (lambda folder: flat(folder, lambda name: "n7 1 2 3 4"), "its class in LOC_val_solution.csv is n7"),
        (lambda folder: (folder / "val").rename(folder / "valid"), "val: cannot be read"),
    ],
)  # fmt: skip
def test_a_folder_of_another_form_is_refused_by_name_and_nothing_stays(
    change: Callable[[Path], object], text: str, folder: Path
) -> None:
    change(folder)
    with pytest.raises(DataError, match=text):
        load_imagenet(folder, console=QUIET)
    cache = folder.parent / "cache"
    assert not cache.exists() or not [*cache.iterdir()]


def test_a_recipe_names_the_folder_and_the_net_fits(folder: Path) -> None:
    recipe = folder.parent / "vit.toml"
    recipe.write_text(
        "[net]\nname = 'vit-ti'\n[data]\nset = 'imagenet:imagenet'\n[selection]\nstep = 1\nleast = 1\n"
        "[[subnet]]\nbudget = 0.5\n[[subnet]]\nbudget = 1.0\n"
    )
    checked = check_recipe(recipe)
    assert checked.own is not None
    assert checked.own.set.classes == CLASSES
    assert checked.graph.full[checked.graph.tensors[-1].spans[0].group] == len(CLASSES)
    recipe.write_text(recipe.read_text().replace("'imagenet:imagenet'", "'imagenet:imagenet'\ngroup = '.'"))
    with pytest.raises(DataError, match="group is given"):
        check_recipe(recipe)


def test_compress_takes_stored_examples_as_it_takes_a_dataset() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    data = reds.Dataset.split(rng.normal(y[:, None], 0.3, (120, 6)).astype(np.float32), y)
    graph = dnn("s", 1, 6, 1, 3)
    options = {"budgets": [1.0], "epochs": 1, "full_epochs": 0, "console": QUIET}
    given, stored = (reds.compress(graph, each, **options) for each in (data, data.stored("net")))  # type: ignore[arg-type]
    assert given.subnets == stored.subnets
