"""The layout of files and of the portable kernels; others inherit what they do not change."""

from reds.pack.model import IntegerLayer, Step, TensorShape
from reds.pack.padding import table_bytes


class Canonical:
    """Row by row, as the model holds them. What files hold and the portable kernels read."""

    id = 0
    name = "canonical"
    alignment = 16

    def runs(self, layer: IntegerLayer) -> bool:
        """Every one."""
        return True

    def weights(self, layer: IntegerLayer) -> bytes:
        """int8 [units_out, fan_in]."""
        return layer.weights.tobytes()

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """int32 little-endian."""
        return table_bytes(layer.biases(step), step.multiplier)

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """No row is special."""
        return b""

    def scratch(self, layer: IntegerLayer, source: TensorShape, step: Step) -> int:
        """None."""
        return 0
