"""Compute the table of each kind of layer in one subnet, from the scales of what it reads and writes.

All kinds end in one requantization: `y = zero + round(acc * multiplier / 2^32)`. So multipliers are the real
gains of a layer in steps of its input and output, times 2^32, and divided by the power of two that its
accumulator carries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import e as euler
from math import log2, sqrt

import numpy as np
from numpy.typing import ArrayLike

from reds.errors import QuantizeError
from reds.graph import Layer
from reds.pack import row_encoding
from reds.pack.model import BIAS_LIMIT, MAX_FAN_IN, MULTIPLIER_STEP, IntegerLayer, Kind, Step
from reds.pack.scale import Floats, Scale
from reds.quantization.affine import Affine
from reds.quantization.scales import COPY_BITS
from reds.quantization.weights import SharedWeights

ADD_FACTOR, AVERAGE_FACTOR = 1 << 12, 1 << 4
"""The larger factor of a layer that scales its inputs. It is large in an addition, so that rounding the other
factor costs nothing. It is small in an average, so that its multiplier, which divides, is exact enough."""
NORM_BITS, SHARE_BITS = 12, 14
"""Bits below 1 in the accumulators of a layer norm, and in the shares of an attention."""
EXPONENT_BITS = 8 + 24
"""Bits below 1 of the exponents of an attention, and of the multiplier that makes them."""
REMEDY = "train longer, or keep more units in it (`least`)"


@dataclass(frozen=True)
class SubnetLayer:
    """One layer in one subnet, as its table needs it. Units are in the integer network's order."""

    where: str
    """Model, subnet and layer, for errors."""
    layer: Layer
    integer: IntegerLayer
    """With the weights of the full net."""
    step: Step
    """Without its table."""
    sources: Sequence[Scale]
    """Scale of each input."""
    target: Scale
    """Scale of what the arithmetic writes, before an activation table."""
    weights: SharedWeights
    affine: Affine | None

    def multipliers(self, gains: ArrayLike, bits: int = 0) -> Floats:
        """Return the nearest multipliers, float64 of the shape of the gains.

        Args:
            gains: Steps of the output for a step of the accumulator without its bits below 1.
            bits: These bits.

        Raises:
            QuantizeError: A multiplier does not fit int32.
        """
        exact = np.asarray(gains, np.float64) * 2.0 ** (32 - bits)
        found = np.rint(exact / MULTIPLIER_STEP) * MULTIPLIER_STEP
        if np.abs(found).max() >= 2**31:
            raise QuantizeError(
                f"{self.where}: a multiplier does not fit int32, its output is almost constant: {REMEDY}"
            )
        return found

    def with_table(self, bias: ArrayLike, multiplier: ArrayLike, *factors: int) -> Step:
        """Return the step with its table: numbers of one row, or of several."""
        rows = [
            np.atleast_1d(np.asarray(values, np.float64)).astype(np.int32) for values in (bias, multiplier)
        ]
        pair = (*factors, 0, 0)[:2]
        return replace(self.step, bias=rows[0], multiplier=rows[1], factors=(pair[0], pair[1]))


def fold(of: SubnetLayer) -> Step:
    """Return the step of a layer with weights: for each unit a bias and a multiplier of 16 bits."""
    assert of.affine is not None
    source, step, affine = of.sources[0], of.step, of.affine
    weights, rows = of.integer.subnet_weights(step), of.weights.scales[: step.units_out] * source.scale
    exact = affine.gain * rows / of.target.scale * 2**32
    lost = np.abs(exact) > row_encoding.LARGEST_MULTIPLIER
    if lost.all():
        raise QuantizeError(f"{of.where}: no multiplier fits, its output is almost constant: {REMEDY}")
    # A unit whose batch norm saw no variance (its inputs may never leave 0) becomes a constant.
    constant = (affine.offset - np.where(lost, 0, affine.gain) * affine.center) / of.target.scale
    zeros = weights @ (source.zero + np.broadcast_to(source.mean / source.scale, weights.shape[1]))
    try:
        bias, multiplier = row_encoding.fit_table(np.where(lost, 0, exact), constant, zeros, weights)
    except row_encoding.RowEncodingError as error:
        text = (
            f"{of.where}: its table does not fit 16 bits ({error}), its output is almost constant: {REMEDY}"
        )
        raise QuantizeError(text) from None
    return replace(step, bias=bias, multiplier=multiplier)


def combine(of: SubnetLayer) -> Step:
    """Return the step of an average or an addition: one multiplier, and a factor for each input.

    The constants of an embedding are a second input whose zero point is 0.
    """
    sources, taps = list(of.sources), of.integer.taps
    if of.layer.kind is Kind.EMBED:
        sources.append(Scale(float(of.weights.scales[0]), 0, np.zeros(1)))
    gains = np.array([source.scale for source in sources]) / of.target.scale / taps
    largest = AVERAGE_FACTOR if of.layer.kind is Kind.AVERAGE_POOL else ADD_FACTOR
    multiplier = of.multipliers(gains.max() / min(largest, MAX_FAN_IN // taps))
    if not multiplier:
        raise QuantizeError(f"{of.where}: its multiplier is 0, its inputs are almost constant: {REMEDY}")
    factors = [int(f) for f in np.rint(gains * 2**32 / multiplier)]
    bias = -taps * sum(f * source.zero for f, source in zip(factors, sources, strict=True))
    return of.with_table(bias, multiplier, *factors)


def multiply(of: SubnetLayer) -> Step:
    """Return the step of a multiplication: one multiplier."""
    a, b = of.sources
    return of.with_table(0, of.multipliers(a.scale * b.scale / of.target.scale))


def concat(of: SubnetLayer) -> Step:
    """Return the step of a concatenation: a bias and a multiplier for each input."""
    bias = [-(source.zero << COPY_BITS) for source in of.sources]
    gains = [source.scale / of.target.scale for source in of.sources]
    return of.with_table(bias, of.multipliers(gains, COPY_BITS))


def prelu(of: SubnetLayer) -> Step:
    """Return the step of a PReLU: for each unit a multiplier below zero, and one from zero up."""
    gain = of.sources[0].scale / of.target.scale
    slopes = of.weights.scales[: of.step.units_out]
    below, above = (
        of.multipliers(slopes * gain, COPY_BITS),
        of.multipliers(np.full(len(slopes), gain), COPY_BITS),
    )
    if np.abs(below).max() >= BIAS_LIMIT:
        raise QuantizeError(
            f"{of.where}: a slope of {np.abs(slopes).max():g} does not fit its table: keep slopes below 4"
        )
    return of.with_table(below, above)


def layer_norm(of: SubnetLayer) -> Step:
    """Return the step of a layer norm: a bias and a multiplier for each unit, and its epsilon.

    A unit that its gain has almost switched off gets a larger multiplier, so that its bias fits.
    """
    assert of.affine is not None
    source, constant = of.sources[0], of.affine.offset / of.target.scale
    multiplier = of.multipliers(of.affine.gain / of.target.scale, NORM_BITS)
    least = np.ceil(np.abs(constant) * 2**32 / (BIAS_LIMIT - 1) / MULTIPLIER_STEP) * MULTIPLIER_STEP
    size = np.maximum(np.maximum(np.abs(multiplier), least), MULTIPLIER_STEP)
    multiplier = np.where(of.affine.gain < 0, -size, size)
    epsilon = max(1, round(of.step.units_in**2 * of.layer.eps / source.scale**2))
    if epsilon >= BIAS_LIMIT:
        raise QuantizeError(
            f"{of.where}: its epsilon of {of.layer.eps:g} is {epsilon:,} in squared steps of its input, and"
            f" must be less than {BIAS_LIMIT:,}: give it inputs of a wider range, or a smaller epsilon"
        )
    bias = np.rint(constant * 2**32 / multiplier)
    return of.with_table([*bias, epsilon], [*multiplier, 0])


def attention(of: SubnetLayer) -> Step:
    """Return the step of an attention: the multiplier of its exponents, and that of its sums."""
    queries, keys, values = of.sources
    exact = queries.scale * keys.scale / sqrt(of.layer.block) * log2(euler)
    exponents = max(1, round(exact * 2.0**EXPONENT_BITS))
    if exponents >= BIAS_LIMIT:
        raise QuantizeError(
            f"{of.where}: the multiplier of its exponents does not fit: its queries and keys have steps of"
            f" {queries.scale:g} and {keys.scale:g}: train longer, or with weight decay"
        )
    return of.with_table(exponents, of.multipliers(values.scale / of.target.scale, SHARE_BITS))


TABLES: Mapping[Kind, Callable[[SubnetLayer], Step]] = {
    Kind.DENSE: fold,
    Kind.CONV: fold,
    Kind.DEPTHWISE: fold,
    Kind.GROUPED: fold,
    Kind.TRANSPOSED: fold,
    Kind.AVERAGE_POOL: combine,
    Kind.ADD: combine,
    Kind.EMBED: combine,
    Kind.MULTIPLY: multiply,
    Kind.CONCAT: concat,
    Kind.PRELU: prelu,
    Kind.LAYER_NORM: layer_norm,
    Kind.ATTENTION: attention,
}
"""The function that makes the table of each kind that requantizes."""
