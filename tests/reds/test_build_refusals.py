"""A build refuses at once, loses nothing in silence, and says what it goes on from."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from reds.errors import RecipeError
from reds.experiment.out_folder import only_writer, refuse_other_recipe
from reds.experiment.prepare import check_recipe, prepare
from reds.experiment.training_key import key_of
from reds.training import torch_setup
from reds.training.checkpoint import differences
from reds.training.torch_setup import MACS_PER_THREAD, available_cpus, make_repeatable, threads_for
from reds.zoo import NETS, RESIZABLE
from tests.reds.support.command import run
from tests.reds.support.own import pictures

TEXT = """net.name = "dnn-s-12x8x3"
data.set = "my.npz"
subnet = [{ budget = 0.5 }, { budget = 1.0 }]
full.epochs = 2
joint.epochs = 3
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
    pictures(tmp_path / "my.npz")
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    return path


def build(recipe: Path, *options: str) -> tuple[int, str]:
    return run("build", recipe, "--out", recipe.parent / "out", *options)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("joint", "jiont", "did you mean joint"),
        ("0.5", "0.001", "raise the budget"),
        ("12x8x3", "12x9x3", "12x8x3"),
        ('"my.npz"', '"none.npz"', "no such file"),
        ('"my.npz"', '"keras.npz"', "did you mean test_x, train_x, test_y, train_y"),
        ("full", 'device = { layout = "neon", times = "none.json" }\nfull', "none.json"),
    ],
)
@pytest.mark.parametrize("command", ["build", "compare"])
def test_a_mistake_of_a_recipe_is_said_before_torch_is_imported(
    command: str, old: str, new: str, says: str, recipe: Path
) -> None:
    with np.load(recipe.with_name("my.npz")) as arrays:
        other = {"_".join(name.split("_")[::-1]): each for name, each in arrays.items()}
    np.savez(recipe.with_name("keras.npz"), **other)
    recipe.write_text(TEXT.replace(old, new))
    code = (
        "import sys\nfrom reds.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command, recipe], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_second_build_into_a_folder_is_refused_and_names_the_first(recipe: Path) -> None:
    out = recipe.parent / "out"
    with only_writer(out):
        status, output = build(recipe)
    assert (status, output.count("\n")) == (1, 1)
    assert output.startswith(f"Error: {out}: process {os.getpid()} (")
    assert not list(out.iterdir())


def test_a_killed_build_holds_no_folder(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom reds.experiment.out_folder import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(600)"
    )
    line = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(BlockingIOError, match=str(other.pid)), only_writer(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
    with only_writer(tmp_path):
        pass


@pytest.mark.parametrize("command", ["build", "compare"])
def test_the_pack_of_another_recipe_is_overwritten_only_by_force(command: str, recipe: Path) -> None:
    out, once = recipe.parent / "out", ("--seeds", "0") if command == "compare" else ()
    assert run(command, recipe, "--out", out, *once)[0] == 0
    name = "mine-seed0.reds" if once else "mine.reds"
    before = (out / name).read_bytes()
    assert run(command, recipe, "--out", out, *once)[0] == 0, "the same recipe again is no other"
    other = recipe.with_name("other.toml")
    other.write_text(f'name = "mine"\nseed = 5\n{TEXT}')
    status, output = run(command, other, "--out", out, *once)
    assert (status, output.splitlines()[-1].startswith(f"Error: {out / name}: ")) == (1, True), output
    assert "full net" not in output, "it is found before the training"
    assert (out / name).read_bytes() == before
    assert run(command, other, "--out", out, *once, "--force")[0] == 0
    assert (out / name).read_bytes() != before


def killed_in(epoch: int, phase: str) -> Callable[..., None]:
    """A function in the place of `Checkpoint.save` that saves, and dies after an epoch of a phase."""
    from reds.training.checkpoint import Checkpoint

    save = Checkpoint.save

    def saved(self: Checkpoint, of: str, state: dict[str, object]) -> None:
        save(self, of, state)
        if (of, state["epoch"]) == (phase, epoch):
            raise KeyboardInterrupt

    return saved


@pytest.mark.parametrize("command", [("build",), ("compare", "--seeds", "0")])
def test_an_interrupted_training_says_that_it_can_go_on(
    command: tuple[str, ...], recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reds.training.checkpoint.Checkpoint.save", killed_in(1, "[joint]"))
    status, output = run(command[0], recipe, "--out", recipe.parent / "out", *command[1:])
    assert status == 1
    assert output.splitlines()[-1].startswith("Error: the training was stopped; the same command goes on")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "# a comment\n", None),
        ("budget = 0.5", "budget = 0.5, floor = 0.1", None),
        ("joint.epochs = 3", "joint.epochs = 4",
         "mine.training is not continued: [joint] epochs was 3 and is 4"),
        ("full.", "seed = 1\nfull.", "mine.training is not continued: seed was 0 and is 1, split was "),
        ("budget = 0.5", "budget = 0.5, arena = 400",
         "mine.training is not continued: [[subnet]] number 1 arena was not there and is 400"),
    ],
)  # fmt: skip
def test_a_kept_training_is_resumed_or_the_change_that_forbids_it_is_named(
    old: str, new: str, says: str | None, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("reds.training.checkpoint.Checkpoint.save", killed_in(2, "[joint]"))
        assert build(recipe)[0] == 1
    recipe.write_text(TEXT.replace(old, new, 1))
    status, output = build(recipe)
    assert status == 0, output
    resumed = re.findall(r"(?m)^(.*): resumed from epoch (\d) of (\d)$", output)
    assert resumed == ([] if says else [("full net", "2", "2"), ("together", "2", "3")])
    assert [line for line in output.splitlines() if "not continued" in line] == (
        [line for line in output.splitlines() if line.startswith(says)] if says else []
    )
    assert not says or says in output
    kept = recipe.parent / "out" / "mine.training.old"
    assert kept.exists() is bool(says)
    if says:
        recipe.write_text(TEXT)
        kept.rename(kept.with_suffix(""))
        assert "together: resumed from epoch 2 of 3" in build(recipe, "--force")[1]


def test_a_build_says_its_net_its_threads_its_time_and_every_step(recipe: Path) -> None:
    status, output = build(recipe)
    assert status == 0, output
    card = json.loads((recipe.parent / "out" / "mine.json").read_text())
    assert card["versions"]["threads"] == 1
    lines = output.splitlines()
    assert re.fullmatch(r"dnn-s-12x8x3 \(12x8x3, [\d,]+ MACs\) on \d+ examples, seed 0, 1 thread", lines[0])
    assert lines[1].startswith("training takes about ")
    for step in ("scoring units", "selecting subnets", "quantizing", "testing"):
        assert step in lines


def test_the_threads_that_a_user_wants_are_taken_and_are_part_of_the_key(recipe: Path) -> None:
    checked, quiet = check_recipe(recipe), Console(quiet=True)
    keys = []
    for threads in (None, 2):
        prepared = prepare(checked, quiet, threads)
        assert torch.get_num_threads() == (threads or 1)
        keys.append(key_of("mine", checked.recipe, prepared.data, checked.profile))
    make_repeatable()
    assert differences(*keys) == "threads was 1 and is 2"


@pytest.mark.parametrize("card", [b"", b"[]", b"{", b'{"recipe": 3}', b'{"recipe": {"sha256": 3}}'])
def test_a_card_that_no_build_wrote_is_no_traceback(card: bytes, recipe: Path) -> None:
    out = recipe.parent / "out"
    out.mkdir()
    (out / "mine.json").write_bytes(card)
    refuse_other_recipe(out / "mine.reds", "0" * 64)  # no pack is there
    (out / "mine.reds").write_bytes(b"pack")
    if b"recipe" in card or card == b"[]":
        with pytest.raises(RecipeError, match=r"mine\.reds"):
            refuse_other_recipe(out / "mine.reds", "0" * 64)
    else:
        refuse_other_recipe(out / "mine.reds", "0" * 64)


def test_nets_of_like_names_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
    pictures(tmp_path / "my.npz", 10, size=(49, 10))
    with np.load(tmp_path / "my.npz") as arrays:
        gray = {name: each.mean(-1, keepdims=True) if name.endswith("x") else each
                for name, each in arrays.items()}  # fmt: skip
    np.savez(tmp_path / "my.npz", **gray)
    path = tmp_path / "mine.toml"
    text = re.sub(r"epochs = \d", "epochs = 1", TEXT)
    path.write_text(text.replace("dnn-s-12x8x3", "ds-cnn-s-49x10x1"))
    status, output = build(path)
    assert status == 0, output
    assert "ds-cnn-s-49x10x1 is another net than ds-cnn-s" in output
    path.write_text(text.replace("dnn-s-12x8x3", "ds-cnn-s"))
    assert "is another net" not in build(path, "--force")[1]


def test_help_lists_the_commands_each_in_one_whole_line() -> None:
    listed = run("--help")[1].partition("Commands:\n")[2].splitlines()
    assert len(listed) >= 9
    assert [line for line in listed if "..." in line or not line.endswith(".")] == []


def test_the_help_of_build_lists_every_net_with_its_size() -> None:
    text = run("build", "--help")[1]
    rows = dict(re.findall(r"(?m)^ +(\S.*\S)  +(\d+x\d+x\d+)$", text))
    sizes = {name: size for names, size in rows.items() for name in names.split(", ")}
    assert set(sizes) == set(NETS)
    at_any_size = text.partition("At a size of your own")[2].partition("\n\n")[0]
    assert set(re.findall(r"[a-z][\w.-]+(?=,|$)", at_any_size, re.MULTILINE)) == set(RESIZABLE)
    for name, size in sizes.items():
        rows_, columns, units = map(int, size.split("x"))
        assert NETS[name]().reads((rows_, columns, units)), name


@pytest.mark.parametrize(
    ("quota", "bound", "cpus"),
    [("max 100000\n", 8, 8), ("250000 100000\n", 8, 2), ("50000 100000\n", 8, 1), ("900000 100000", 2, 2),
     ("", 3, 3)],
)  # fmt: skip
def test_threads_follow_the_net_and_the_cpus_of_this_process(
    quota: str, bound: int, cpus: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(torch_setup, "CPU_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(bound)))
    assert available_cpus() == cpus
    assert threads_for(0) == threads_for(MACS_PER_THREAD) == 1
    assert threads_for(100 * MACS_PER_THREAD) == cpus
