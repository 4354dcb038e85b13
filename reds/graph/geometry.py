"""Count the positions of windows and the padding around them."""

from math import ceil

from reds.graph.parts import Padding

Pair = tuple[int, int]
"""Rows and columns."""


def reach(kernel: Pair, dilation: Pair = (1, 1)) -> Pair:
    """Return the rows and columns from the first to the last tap of a window."""
    return (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1


def positions(sides: Pair, window: Pair, stride: Pair, padding: Padding) -> Pair:
    """Return how many windows fit on each axis, 0 or less if none fits.

    Args:
        sides: Rows and columns of the input.
        window: Rows and columns that a window reaches over, from `reach`.
        stride: Rows and columns that the window moves by.
        padding: Rows and columns added at the top, left, bottom and right.
    """
    top, left, bottom, right = padding
    padded = sides[0] + top + bottom, sides[1] + left + right
    down, across = ((n - k) // s + 1 for n, k, s in zip(padded, window, stride, strict=True))
    return down, across


def spread(sides: Pair, kernel: Pair, stride: Pair, padding: Padding) -> Pair:
    """Return the positions that a transposed convolution writes, of which `padding` is cut off."""
    top, left, bottom, right = padding
    return (
        (sides[0] - 1) * stride[0] + kernel[0] - top - bottom,
        (sides[1] - 1) * stride[1] + kernel[1] - left - right,
    )


def same_padding(sides: Pair, window: Pair, stride: Pair) -> Padding:
    """Return TensorFlow's `same` padding, which gives ceil(side / stride) windows on each axis.

    Args:
        sides: Rows and columns of the input.
        window: Rows and columns of the window.
        stride: Rows and columns that the window moves by.

    Returns:
        Rows and columns to add. If a sum is odd, the top or left side gets the smaller half.
    """
    rows, columns = (
        max((ceil(side / step) - 1) * step + taps - side, 0)
        for side, taps, step in zip(sides, window, stride, strict=True)
    )
    return (rows // 2, columns // 2, rows - rows // 2, columns - columns // 2)
