"""The runtime layer by layer: the reference's bits, and no byte out of bounds however it is misused."""

import subprocess
from pathlib import Path

import pytest

from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import dense_model, inputs, random_model
from tests.targets.support.compilation import Compiler

SHORT = dense_model([5, 4, 3], [[2, 3], [4, 3]], 1)


@pytest.mark.parametrize(
    "model", [*map(random_model, range(6), [3] * 6), *deep_nets(range(2)), *modern_nets(range(3))]
)
def test_layers_one_by_one_equal_the_reference_and_misuse_stays_in_bounds(
    compiler: Compiler, tmp_path: Path, model: Model
) -> None:
    x = inputs(model, 4)
    files = tmp_path / "net.reds", tmp_path / "other.reds"
    for net, file in zip((model, SHORT), files, strict=True):
        pack.save(net, file)
    command = [str(compiler.program("layers.c")), *map(str, files)]
    done = subprocess.run(command, input=x.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"".join(interpreter.run(model, s, x).tobytes() for s in range(3))
