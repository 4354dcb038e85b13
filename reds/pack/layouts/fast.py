"""Define which layers the fast kernels of every family know; the portable kernels run the others."""

from collections.abc import Sequence

from reds.pack.layouts.canonical import Canonical
from reds.pack.model import IntegerLayer, Kind, TensorShape

KINDS = frozenset(
    {Kind.DENSE, Kind.CONV, Kind.DEPTHWISE, Kind.AVERAGE_POOL, Kind.MAX_POOL, Kind.ADD, Kind.FLATTEN}
)


class Fast(Canonical):
    """A layout for fast kernels, which each family orders in its own way."""

    dilated: frozenset[Kind] = frozenset()
    """Kinds whose kernels know dilation."""

    def runs(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> bool:
        """Return whether a layer is of `KINDS`, without padding of a pool or broadcasting.

        Only kinds in `dilated` may have dilation.
        """
        skips = layer.dilation != (1, 1) and layer.kind not in self.dilated
        padded_pool = layer.kind in (Kind.AVERAGE_POOL, Kind.MAX_POOL) and any(layer.padding)
        broadcast = layer.kind is Kind.ADD and sources[0] != sources[1]
        return layer.kind in KINDS and not skips and not padded_pool and not broadcast
