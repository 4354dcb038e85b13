"""A module with the operations of today's nets becomes an elastic net that computes the same."""

from typing import cast

import pytest
import torch
from torch import Tensor, nn

from tests.architectures.pipeline import packed
from tests.reds.support.modern_modules import ACTIVATIONS, ATTENTION, CONVOLUTIONS, JOINS, NORMS
from tests.reds.support.modules import same_function, stirred

CASES = {
    f"{name}": case
    for part in (ACTIVATIONS, CONVOLUTIONS, NORMS, JOINS, ATTENTION)
    for name, case in part.items()
}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_computes_the_same(name: str) -> None:
    make, shape = CASES[name]
    same_function(make(), *shape)


class Headed(nn.Module):
    """A module with a linear layer at its end, so that its own units are cut."""

    def __init__(self, body: nn.Module, outputs: int) -> None:
        super().__init__()
        self.body, self.head = body, nn.Linear(outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return cast(Tensor, self.head(y.flatten(1)))


@pytest.mark.parametrize(
    "name",
    [
        "causal",
        "split convolution",
        "squeeze-excite by linear layers",
        "layer norm spelled",
        "an encoder",
        "a mixer",
    ],
)
def test_a_traced_net_is_cut_and_becomes_a_pack(name: str) -> None:
    make, shape = CASES[name]

    def headed() -> nn.Module:
        body = stirred(make()).eval()
        return Headed(body, body(torch.zeros(1, *shape)).numel())

    pack = packed("mine", headed, shape, (0.85, 1.0))
    assert [subnet.name for subnet in pack.model.subnets] == ["85%", "100%"]
    assert pack.difference <= 1e-4 * pack.largest
    assert pack.noise < 0.1
