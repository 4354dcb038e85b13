"""State tables over widths as linear constraints of CP-SAT: a literal stands for each width of each group.

A table over several groups takes a literal for each combination of their widths. Where it is large and a
product of two factors, as multiply-accumulates are, it takes a variable for each width of one group instead.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from reds.errors import CoupledError
from reds.nesting.solver.problem import Choice, Groups, Problem

COMBINED = 16
"""The most entries of a table that is a product but takes a literal for each combination of widths."""
LARGEST = 1 << 19
"""The most literals of combinations of a model, so that it fits a few gigabytes."""
Linear = cp_model.LinearExpr


class Widths:
    """The literals of one problem within a model."""

    def __init__(self, model: cp_model.CpModel, problem: Problem) -> None:
        self._model, self._combined = model, dict[Groups, NDArray[Any]]()
        self.literals = [[model.new_bool_var("") for _ in range(size)] for size in problem.sizes]
        for group in self.literals:
            model.add_exactly_one(group)
        for cost in (*problem.limited, *problem.rules):
            model.add(self.total(cost.tables) <= cost.limit)
        for each in problem.sums:
            first, second, whole = (
                _weighted(self.literals[g], values)
                for g, values in zip(each.groups, each.values, strict=True)
            )
            model.add(first + second == whole)

    def total(self, tables: Mapping[Groups, NDArray[np.int64]]) -> Linear:
        """Return the sum of the tables' entries."""
        return Linear.sum([part for groups, table in tables.items() for part in self._parts(groups, table)])

    def hint(self, choice: Choice) -> None:
        """Let a search begin at a choice."""
        for group, width in zip(self.literals, choice, strict=True):
            for k, literal in enumerate(group):
                self._model.add_hint(literal, k == width)

    def contain(self, inner: "Widths") -> None:
        """Let every group have at least the width that it has in another problem."""
        for wide, narrow in zip(self.literals, inner.literals, strict=True):
            reached = [self._model.new_bool_var("") for _ in wide]
            # `reached[k]` lies between "the narrow one has k or more" and "the wide one has k or more".
            for k, literal in enumerate(reached):
                self._model.add_implication(narrow[k], literal)
                self._model.add_implication(wide[k], reached[k + 1].negated()) if k + 1 < len(wide) else None
                self._model.add_implication(literal, reached[k - 1]) if k else None

    def chosen(self, solver: cp_model.CpSolver) -> Choice:
        """Return the choice of a solution."""
        return tuple(
            next(k for k, literal in enumerate(group) if solver.boolean_value(literal))
            for group in self.literals
        )

    def _parts(self, groups: Groups, table: NDArray[np.int64]) -> list[Linear]:
        """Return terms whose sum is the table's entry."""
        groups = tuple(g for g, size in zip(groups, table.shape, strict=True) if size > 1)
        table = table.squeeze()
        if not groups:
            return [_weighted([1], table.reshape(1))]
        if len(groups) == 1:
            return [_weighted(self.literals[groups[0]], table)]
        if len(groups) == 2 and table.size > COMBINED and (factors := _factors(table)):
            return self._product(groups, table, *factors)
        return [_weighted(self._combinations(groups, table.shape).ravel().tolist(), table.ravel())]

    def _product(
        self, groups: Groups, table: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> list[Linear]:
        """Return the terms of a table that is a product of factors, but for its first row and column."""
        a, b = (self.literals[g] for g in groups)
        terms = [_weighted(a, table[:, 0]), _weighted(b, table[0] - table[0, 0])]
        if len(a) > len(b):
            a, b, rows, columns = b, a, columns, rows
        most = int(columns.max())
        shares = [self._model.new_int_var(0, most, "") for _ in a]  # the column's factor, in the row chosen
        for literal, share in zip(a, shares, strict=True):
            self._model.add(share <= most * literal)
        self._model.add(Linear.sum(shares) == _weighted(b, columns))
        return [*terms, _weighted(shares, rows)]

    def _combinations(self, groups: Groups, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return a literal for each combination of the groups' widths."""
        if groups not in self._combined:
            if sum(each.size for each in self._combined.values()) + np.prod(shape) > LARGEST:
                raise CoupledError(groups, shape)
            literals = np.empty(shape, object)
            for index in product(*map(range, shape)):
                literals[index] = self._model.new_bool_var("")
            for axis, g in enumerate(groups):
                for k, literal in enumerate(self.literals[g]):
                    self._model.add(Linear.sum(literals.take(k, axis).ravel().tolist()) == literal)
            self._combined[groups] = literals
        return self._combined[groups]


def _weighted(variables: Sequence[Any], weights: NDArray[np.int64]) -> Linear:
    return Linear.weighted_sum(list(variables), weights.tolist())


def _factors(table: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the factors of rows and columns, or None; the table without its first row and column counts."""
    rest = table - table[:, :1] - table[:1] + table[0, 0]
    if (rest < 0).any() or not rest[-1, -1]:
        return None
    columns = rest[-1] // np.gcd.reduce(rest[-1])
    rows = rest[:, -1] // columns[-1]
    return (rows, columns) if (rest == np.outer(rows, columns)).all() else None
