"""Tensors that are alive together never share a byte, and nothing is wasted."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack import arena
from reds.zoo.resnet import resnet8
from tests.support.nets import dense_model


def padded(n: int) -> int:
    return -(-n // 16) * 16


@settings(max_examples=100)
@given(
    widths=st.lists(st.integers(1, 300), min_size=2, max_size=7),
    data=st.data(),
    scratch_max=st.integers(0, 600),
)
def test_tensors_never_overlap_and_chains_take_the_least_arena(
    widths: list[int], data: st.DataObject, scratch_max: int
) -> None:
    model = dense_model(widths, [widths[1:]])
    layers = len(widths) - 1
    scratch = data.draw(st.lists(st.integers(0, scratch_max), min_size=layers, max_size=layers))
    place = arena.plan(model, 0, scratch)
    most = 0
    for i in range(layers):
        blocks = [
            (place.tensors[i], widths[i]),
            (place.tensors[i + 1], widths[i + 1]),
            (place.scratch[i], scratch[i]),
        ]
        spans = sorted((at, at + padded(n)) for at, n in blocks if n)
        assert all(at % 16 == 0 for at, _ in spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert spans[-1][1] <= place.size
        most = max(most, sum(padded(n) for _, n in blocks))
    assert place.size == most


def test_smaller_subnets_plan_no_larger_arena() -> None:
    model = dense_model([64, 128, 128, 12], [[32, 32, 12], [128, 128, 12]])
    assert arena.plan(model, 0).size == 64 + 32
    assert arena.plan(model, 1).size == 256


@pytest.mark.parametrize("seed", range(20))
def test_arenas_of_residual_nets_take_no_more_than_lives_together(seed: int) -> None:
    rng, graph = np.random.default_rng(seed), resnet8()
    inputs = [layer.inputs for layer in graph.layers]
    steps = arena.schedule(inputs, range(len(inputs)), {})
    sizes = [int(n) for n in rng.integers(1, 3000, len(inputs) + 1)]
    scratch = [int(n) for n in rng.integers(0, 2000, len(inputs))]
    place = arena.place(steps, sizes, scratch)
    most = 0
    for i in range(len(inputs)):
        live = [t for t, (first, last) in enumerate(arena.lifetimes(steps)) if first <= i <= last]
        blocks = [(place.tensors[t], sizes[t]) for t in live] + [(place.scratch[i], scratch[i])]
        spans = sorted((at, at + padded(n)) for at, n in blocks if n)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        most = max(most, sum(padded(n) for _, n in blocks))
    assert place.size == most


def test_a_tensor_lives_until_the_last_step_that_reads_it_or_one_that_stands_for_it() -> None:
    """y = x + f(x) without f: the layer behind the block reads x, across the steps of another branch."""
    inputs = [(0,), (1,), (1, 2), (1,), (3, 4)]
    whole = arena.schedule(inputs, range(5), {})
    assert (whole.tensors, whole.reads) == ((0, 1, 2, 3, 4, 5), tuple(inputs))
    assert arena.lifetimes(whole) == [(0, 0), (0, 3), (1, 2), (2, 4), (3, 4), (4, 4)]
    shorter = arena.schedule(inputs, (0, 3, 4), {3: 1})
    assert (shorter.tensors, shorter.reads) == ((0, 1, 4, 5), ((0,), (1,), (1, 2)))
    assert arena.lifetimes(shorter) == [(0, 0), (0, 2), (1, 2), (2, 2)]
    assert arena.place(shorter, [16] * 4, [0] * 3).size == 48
