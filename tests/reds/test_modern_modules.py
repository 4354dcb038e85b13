"""A module with the operations of today's nets becomes an elastic net that computes the same."""

import pytest

from tests.reds.support.modern_modules import ACTIVATIONS, ATTENTION, CONVOLUTIONS, JOINS, NORMS
from tests.reds.support.modules import same_function

CASES = {
    f"{name}": case
    for part in (ACTIVATIONS, CONVOLUTIONS, NORMS, JOINS, ATTENTION)
    for name, case in part.items()
}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_computes_the_same(name: str) -> None:
    make, shape = CASES[name]
    same_function(make(), *shape)
