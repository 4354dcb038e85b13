"""Mutated packs and mutated sessions through the C code under sanitizers, 25,000 of each.

`python -m tests.targets.support.fuzz` runs the same for as long as you like.
"""

from pathlib import Path

import pytest

from reds.pack.layouts import CANONICAL, LAYOUTS, Layout
from tests.targets.support.compilation import Compiler
from tests.targets.support.fuzz import sanitized
from tests.targets.support.fuzzing import ITERATIONS, SEED
from tests.targets.support.x86 import FAMILIES, needs, stand_in


def fuzz(program: Path, seeds: list[Path]) -> dict[str, int]:
    done, counts = sanitized.run(program, seeds, ITERATIONS, SEED)
    assert (done.returncode, done.stderr) == (0, "")
    return counts


def fuzz_packs(program: Path, layout: Layout, folder: Path) -> None:
    counts = fuzz(program, sanitized.seed_files("packs", folder, layout))
    assert counts["accepted"] + counts["refused"] == ITERATIONS
    assert min(counts.values()) > ITERATIONS // 20, "the mutations are no longer both accepted and refused"


def test_mutated_packs_are_refused_or_run_within_bounds(compiler: Compiler, tmp_path: Path) -> None:
    fuzz_packs(sanitized.program(compiler, "packs"), CANONICAL, tmp_path)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_mutated_packs_of_the_x86_layout_are_refused_or_run_within_bounds(
    compiler: Compiler, tmp_path: Path, family: str
) -> None:
    needs(family)
    program = sanitized.program(compiler, "packs", family, stand_in(family))
    fuzz_packs(program, LAYOUTS[6], tmp_path)


def test_mutated_sessions_are_answered_within_bounds(compiler: Compiler, tmp_path: Path) -> None:
    counts = fuzz(sanitized.program(compiler, "frames"), sanitized.seed_files("frames", tmp_path))
    assert min(counts.values()) > ITERATIONS, "the mutations are no longer both answered and refused"
