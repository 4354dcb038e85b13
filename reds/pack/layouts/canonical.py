"""Define the canonical layout, of files and of the portable kernels. Other layouts inherit from it."""

from collections.abc import Sequence

from reds.pack.model import IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import table_bytes


class Canonical:
    """Weights and tables in the order of the model."""

    id = 0
    name = "canonical"
    alignment = 16

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Return an empty text: the portable kernels run every layer."""
        return ""

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as int8 [units_out, fan_in]."""
        return layer.weights.tobytes()

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return biases and multipliers as int32, little-endian."""
        return table_bytes(layer.table_biases(step), step.multiplier)

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return nothing: no row needs a plain path."""
        return b""

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the scores of one query of an attention; other kernels need none."""
        return 4 * sources[1].positions if layer.kind is Kind.ATTENTION else 0
