"""Define what the layouts of fast kernels share: the rules that say which layers a family lacks."""

from collections.abc import Sequence

from reds.pack.layouts.canonical import Canonical
from reds.pack.model import IntegerLayer, Kind, TensorShape

KINDS = frozenset(
    {Kind.DENSE, Kind.CONV, Kind.DEPTHWISE, Kind.AVERAGE_POOL, Kind.MAX_POOL, Kind.ADD, Kind.FLATTEN}
)
"""Kinds of which almost every family has kernels."""


class Fast(Canonical):
    """A layout of fast kernels. The portable kernels run the layers that it refuses."""

    kinds: frozenset[Kind] = KINDS
    """Kinds that have kernels."""
    dilated: frozenset[Kind] = frozenset()
    """Kinds whose kernels know dilation."""
    padded_pools: bool = False
    """Whether its pools know padding."""
    broadcasts: bool = False
    """Whether its additions and products know a second input that repeats its rows or columns."""

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Refuse layers that are not of `kinds`, pools with padding, and additions that broadcast.

        Only kinds in `dilated` may have dilation.
        """
        kind = layer.kind.name.lower().replace("_", " ")
        if layer.kind not in self.kinds:
            return f"a layer of kind {kind}"
        if layer.dilation != (1, 1) and layer.kind not in self.dilated:
            return f"a {kind} layer with dilation"
        if layer.kind in (Kind.AVERAGE_POOL, Kind.MAX_POOL) and any(layer.padding) and not self.padded_pools:
            return f"{'an' if layer.kind is Kind.AVERAGE_POOL else 'a'} {kind} layer with padding"
        pairs = layer.kind in (Kind.ADD, Kind.MULTIPLY) and not self.broadcasts
        if pairs and sources[0] != sources[1]:
            return (
                f"{'an addition' if layer.kind is Kind.ADD else 'a product'} of tensors of different shapes"
            )
        return ""
