"""Describe how the axes of a torch tensor lie over the values of a layer's output.

A layer's output holds [N][height][width][units] contiguously. An axis of a torch tensor is a row of pieces,
the outermost first. A piece is a size and a stride over these values, as in torch. A permutation reorders
axes, and a reshape splits and joins pieces. Neither needs a layer, until one reads another order.
"""

from collections.abc import Sequence
from itertools import chain
from math import prod

Piece = tuple[int, int]
"""Size and stride; a stride of 0 repeats one value."""
Axis = tuple[Piece, ...]
Axes = tuple[Axis, ...]


def axis(size: int, stride: int) -> Axis:
    """Return an axis of one piece, or of none for size 1."""
    return ((size, stride),) if size > 1 else ()


def size(pieces: Sequence[Piece]) -> int:
    """Return the number of values along pieces."""
    return prod(n for n, _ in pieces)


def shape(axes: Axes) -> tuple[int, ...]:
    """Return the size of every axis."""
    return tuple(map(size, axes))


def reshaped(axes: Axes, sides: Sequence[int]) -> Axes | None:
    """Return the axes of a tensor of other sides, or None if a piece would be divided unevenly.

    Args:
        axes: The axes of the tensor.
        sides: Sizes of the new axes, whose product is that of the old ones.
    """
    left, new = list(chain.from_iterable(axes)), []
    for side in sides:
        pieces: list[Piece] = []
        while side > 1:
            if not left:
                return None
            n, stride = left.pop(0)
            if side % n == 0:
                pieces.append((n, stride))
                side //= n
            elif n % side == 0:
                pieces.append((side, stride * n // side))
                left.insert(0, (n // side, stride))
                side = 1
            else:
                return None
        new.append(tuple(pieces))
    return None if left else tuple(new)


def contiguous(pieces: Sequence[Piece], stride: int = 1) -> bool:
    """Return whether pieces, the outermost first, are one run of values from a stride up."""
    for n, own in reversed(pieces):
        if own != stride:
            return False
        stride *= n
    return True


def common(a: Axis, b: Axis) -> list[tuple[Piece, Piece]] | None:
    """Return pairs of pieces of one size that two axes of one size are made of, or None."""
    left, right, pairs = list(a), list(b), []
    while left and right:
        (n, s), (m, t) = left.pop(0), right.pop(0)
        least = min(n, m)
        if n % least or m % least:
            return None
        pairs.append(((least, s * n // least), (least, t * m // least)))
        left = [(n // least, s), *left] if n > least else left
        right = [(m // least, t), *right] if m > least else right
    return None if left or right else pairs


def moved(axes: Axes, strides: dict[Piece, int]) -> Axes:
    """Return axes whose pieces have new strides."""
    return tuple(tuple((n, strides[n, stride]) for n, stride in pieces) for pieces in axes)


def joined(pieces: Axis) -> Axis:
    """Return an axis with neighboring pieces joined where they are one run of values."""
    new: list[Piece] = []
    for n, stride in pieces:
        if new and new[-1][1] == n * stride:
            n *= new.pop()[0]
        new.append((n, stride))
    return tuple(new)
