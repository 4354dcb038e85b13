"""Check the shapes of the tensors that a layer reads and writes, beside those that its windows give."""

from collections.abc import Callable, Sequence

from reds.pack.model import IntegerLayer, Kind, TensorShape
from reds.pack.validate.expect import expect

MOST_KEYS = 16_384
"""Positions of the keys of an attention, so that their weights add up in 30 bits."""
Rule = Callable[[str, IntegerLayer, Sequence[TensorShape], TensorShape], None]
"""Checks a layer, named by the text, with its inputs and its output."""


def validate_shapes(
    where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape
) -> None:
    """Check the shapes of a layer's tensors.

    Args:
        where: The layer as errors name it.
        layer: The layer.
        sources: The tensors that it reads.
        target: The tensor that it writes.

    Raises:
        ModelError: A rule is broken.
    """
    if layer.kind in _RULES:
        _RULES[layer.kind](where, layer, sources, target)


def shown(tensor: TensorShape) -> str:
    """Return a shape as `25 x 5 x 64`."""
    return f"{tensor.height} x {tensor.width} x {tensor.units}"


def _dense(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    expect(
        sources[0].positions == target.positions == 1,
        f"{where} reads {shown(sources[0])} and writes {shown(target)}: a dense layer has 1 x 1 positions;"
        " flatten its input",
    )


def _units(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    expect(
        sources[0].units == target.units,
        f"{where} writes {target.units} units but reads {sources[0].units}: {layer.kind.name.lower()} must"
        " keep the count",
    )


def _written(layer: IntegerLayer, source: TensorShape) -> TensorShape:
    """Return the shape that a layer writes, which follows from the first one that it reads."""
    if layer.kind is Kind.FLATTEN:
        return TensorShape(1, 1, source.size(source.units))
    if layer.kind is Kind.UPSAMPLE:
        return TensorShape(source.height * layer.stride[0], source.width * layer.stride[1], source.units)
    if layer.kind is Kind.TRANSPOSE:
        return TensorShape(source.units, 1, source.positions)
    if layer.front:
        return TensorShape(layer.front + source.positions, 1, source.units)
    return source


def _follows(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    written, kind = _written(layer, sources[0]), layer.kind.name.lower()
    expect(
        target == written,
        f"{where} writes {shown(target)}: {kind} of {shown(sources[0])} writes {shown(written)}",
    )


def _broadcast(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    a, b = sources
    fits = a.units == b.units and b.height in (1, a.height) and b.width in (1, a.width)
    expect(
        fits and target == a,
        f"{where} ({layer.kind.name.lower()}) reads {shown(a)} and {shown(b)} and writes {shown(target)}: the"
        " output has the first shape, and the second differs from it by sides of 1 alone",
    )


def _concat(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    written = TensorShape(sources[0].height, sources[0].width, sum(source.units for source in sources))
    expect(
        target == written and all((s.height, s.width) == (target.height, target.width) for s in sources),
        f"{where} joins {', '.join(map(shown, sources))} into {shown(target)}: all must have the same"
        " positions, and the output the units of all",
    )


def _attention(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    q, k, v = sources
    expect(
        q == target and q.units == k.units == v.units and k.positions == v.positions,
        f"{where} reads queries {shown(q)}, keys {shown(k)} and values {shown(v)} and writes {shown(target)}:"
        " all must have the same units, the output the shape of the queries, and the values the positions of"
        " the keys",
    )
    expect(
        k.positions <= MOST_KEYS,
        f"{where} reads {k.positions:,} positions of keys: at most {MOST_KEYS:,} are possible",
    )


def _reshape(where: str, layer: IntegerLayer, sources: Sequence[TensorShape], target: TensorShape) -> None:
    (source,) = sources
    expect(
        source.size(source.units) == target.size(target.units),
        f"{where} reshapes {shown(source)} into {shown(target)}: both must hold as many values",
    )


_RULES: dict[Kind, Rule] = {
    Kind.DENSE: _dense,
    Kind.DEPTHWISE: _units,
    Kind.AVERAGE_POOL: _units,
    Kind.MAX_POOL: _units,
    Kind.ADD: _broadcast,
    Kind.FLATTEN: _follows,
    Kind.UPSAMPLE: _follows,
    Kind.MULTIPLY: _broadcast,
    Kind.CONCAT: _concat,
    Kind.PRELU: _follows,
    Kind.LAYER_NORM: _follows,
    Kind.ATTENTION: _attention,
    Kind.EMBED: _follows,
    Kind.TRANSPOSE: _follows,
    Kind.RESHAPE: _reshape,
}
