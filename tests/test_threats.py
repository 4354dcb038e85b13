"""Hold promises of docs/threat-model.md that no other test holds: files of others run nothing."""

import io
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from hil.boards import boards_toml, opening
from hil.boards.facts import Provenance
from hil.doctor.boards_text import value
from hil.errors import HilError
from reds.data.labeled import find_labeled
from reds.data.local_files import sha256_of
from reds.data.npz import read_npz
from reds.errors import DataError, RedsError
from tests.hil.support.sshd import Sshd, mounting

GOVERNORS = "/sys/devices/system/cpu"


class Bomb:
    """An object that makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.mkdir, (str(self.mark), 0o700)


def test_pickled_object_in_a_labeled_set_or_in_data_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    array = np.empty(1, dtype=object)
    array[0] = Bomb(mark)
    path = tmp_path / "examples.npz"
    np.savez(path, x=array, y=np.zeros(1, np.uint8), allow_pickle=True)
    card = {"labelled": {"file": path.name, "sha256": sha256_of(path), "every": 1, "clips": 1}}
    with pytest.raises((RedsError, ValueError)):
        find_labeled(card, tmp_path)
    with pytest.raises(DataError):
        read_npz(path)
    assert not mark.exists()
    with suppress(ValueError), np.load(path, allow_pickle=True) as file:  # the bomb works
        file["x"]
    assert mark.exists()


def test_checkpoint_of_somebody_else_runs_nothing(tmp_path: Path) -> None:
    from hashlib import sha256

    import torch

    from reds.training.checkpoint import Checkpoint

    mark, written = tmp_path / "ran", io.BytesIO()
    torch.save({"key": {"of": "k"}, "phases": Bomb(mark)}, written)
    data = written.getvalue()
    path = tmp_path / "checkpoint"
    path.write_bytes(sha256(data).hexdigest().encode() + b"\n" + data)
    with suppress(RedsError, pickle.UnpicklingError):
        assert Checkpoint(path, {"of": "k"}).phases == {}
    assert not mark.exists()
    torch.load(io.BytesIO(data), weights_only=False)  # the bomb works
    assert mark.exists()


HOSTILE = ("$(mkdir {})", "x' ; mkdir {} ; '", "x\nmkdir {}")
"""Texts that make a folder in a shell, if they stand there plain, in quotes or in a line."""


def test_values_of_a_boards_file_run_nothing_in_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Use hostile governors on a real sshd, which has one to set, and a hostile user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    mark = tmp_path / "ran"
    governor = tmp_path / "cpu" / "cpu0" / "cpufreq" / "scaling_governor"
    governor.parent.mkdir(parents=True)
    governor.write_text("ondemand\n")
    changes = [("governor", text.format(mark)) for text in HOSTILE] + [("user", HOSTILE[0].format(mark))]
    file = tmp_path / "boards.toml"
    with Sshd(tmp_path, within=mounting(f"mount --bind {tmp_path / 'cpu'} {GOVERNORS}")) as board:
        for key, hostile in changes:
            rows = {"name": "b", "target": "pi", **board.keys(), key: hostile}
            file.write_text("[[board]]\n" + "".join(f"{k} = {value(v)}\n" for k, v in rows.items()))
            with suppress(HilError):
                (entry,) = boards_toml.load(file)
                with opening.started(entry, Provenance.HARDWARE):
                    pass
            assert not mark.exists(), hostile
