"""Small selection problems, and all of their choices."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from reds.nesting.solver.problem import Choice, Limited, Problem, Sum


@st.composite
def problems(draw: st.DrawFn, costs: int = 3, groups: int = 5) -> Problem:
    """Up to five groups of up to four widths in a chain, a tree or a row of triangles."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=groups)))
    shape = draw(st.sampled_from(["chain", "tree", "triangles"]))
    pairs = [(b - 1 if shape != "tree" else int(rng.integers(b)), b) for b in range(1, len(sizes))]
    pairs += [(b - 2, b) for b in range(2, len(sizes))] if shape == "triangles" else []
    tables = [(g,) for g in range(len(sizes))] + pairs
    round_to = draw(st.sampled_from([0, 6]))  # whole gains have many ties
    gains = {each: rng.normal(0, 3, [sizes[g] for g in each]).round(round_to) for each in tables}
    limited = tuple(
        Limited({each: rng.integers(0, 30, [sizes[g] for g in each]) for each in tables}, int(limit))
        for limit in rng.integers(5, 40, draw(st.integers(0, costs))) * len(sizes)
    )
    rules = tuple(
        Limited({each: (rng.random([sizes[g] for g in each]) > 0.9).astype(int)}, 0)
        for each in pairs
        if rng.random() < 0.5
    )
    return Problem(sizes, gains, limited, rules)


@st.composite
def with_sums(draw: st.DrawFn) -> Problem:
    """Three to four groups, all of their running sums, a cost by pairs with sums, and a rule over all."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    groups = draw(st.integers(3, 4))
    values = [np.cumsum(rng.integers(1, 5, draw(st.integers(1, 4)))) for _ in range(groups)]
    sums = list[Sum]()
    for g in range(1, groups):
        before = 0 if g == 1 else len(values) - 1
        both = sorted((before, g))
        first, second = (values[each] for each in both)
        sums.append(Sum((both[0], both[1], len(values)), (first, second, np.unique(first[:, None] + second))))
        values.append(sums[-1].values[2])
    sizes = tuple(map(len, values))
    gains = {(g,): rng.normal(0, 3, sizes[g]) for g in range(groups)}
    pairs = [(g, len(values) - 1) for g in range(groups)] + [(0, 1)]
    cost = Limited({pair: np.outer(values[pair[0]], values[pair[1]]) for pair in pairs}, 0)
    rule = Limited({(g,): rng.integers(0, 20, sizes[g]) for g in range(len(sizes))}, 0)
    share = draw(st.floats(0, 1))

    def between(limited: Limited) -> Limited:
        ends = (sum(int(end(t)) for t in limited.tables.values()) for end in (np.min, np.max))
        least, most = ends
        return Limited(limited.tables, least + int(share * (most - least)))

    return Problem(sizes, gains, (between(cost),), (between(rule),), tuple(sums))


def all_that_fit(problem: Problem) -> list[Choice]:
    """Every choice within all limits, rules and sums."""
    free = [range(n) for n in problem.sizes[: len(problem.sizes) - len(problem.sums)]]
    choices = (problem.completed((*choice, *[0] * len(problem.sums))) for choice in product(*free))
    return [choice for choice in choices if problem.fits(choice)]
