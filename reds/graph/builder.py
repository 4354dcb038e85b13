"""Builds a chain layer by layer: sizes, multiply-accumulates and the groups that residuals merge."""

from dataclasses import replace
from math import inf
from typing import Any, Literal

from reds.errors import GraphError
from reds.graph import Graph, Group, Layer, Padding, Tensor, same_padding
from reds.pack.model import WEIGHTED, Kind

Named = Literal["same", "valid"]
"""Padding by its name, as TensorFlow defines it."""


class Builder:
    """Adds layers one by one; each method returns the tensor written, `build` the `Graph`."""

    def __init__(self, units: int, height: int = 1, width: int = 1) -> None:
        self._groups = [Group(units, cut=False)]
        self._same = [0]  # union-find: the group that stands for this one
        self._tensors = [Tensor(0, height, width)]
        self._layers: list[Layer] = []
        self.input = 0

    def dense(self, x: int, units: int, relu: bool = True, norm: bool = True,
              ceiling: float = inf) -> int:  # fmt: skip
        """A fully connected layer on a 1 x 1 or flattened tensor."""
        source = self._tensors[x]
        if (source.height, source.width) != (1, 1):
            raise GraphError(f"layer {len(self._layers)}: flatten before a dense layer")
        new = Tensor(self._group(units))
        more = {"copies": source.copies, "relu": relu, "norm": norm, "ceiling": ceiling}
        return self._add(Kind.DENSE, (x,), new, source.copies, **more)

    def conv(self, x: int, units: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
             padding: Padding | Named = "same", relu: bool = True, norm: bool = True,
             ceiling: float = inf) -> int:  # fmt: skip
        """A convolution; padding is given by its sides, or TensorFlow's `same` or `valid`."""
        more = {"relu": relu, "norm": norm, "ceiling": ceiling}
        return self._slide(Kind.CONV, x, self._group(units), kernel, stride, padding, **more)

    def depthwise(self, x: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
                  padding: Padding | Named = "same", relu: bool = True, norm: bool = True,
                  ceiling: float = inf) -> int:  # fmt: skip
        """One filter for each unit of x: it writes the units of the group that it reads."""
        group, more = self._tensors[x].group, {"relu": relu, "norm": norm, "ceiling": ceiling}
        return self._slide(Kind.DEPTHWISE, x, group, kernel, stride, padding, **more)

    def pool(self, x: int, kernel: tuple[int, int] | None = None, stride: tuple[int, int] | None = None,
             kind: Kind = Kind.AVERAGE_POOL) -> int:  # fmt: skip
        """Average or maximum over windows; by default over all sites, and windows side by side."""
        source = self._tensors[x]
        kernel = kernel or (source.height, source.width)
        return self._slide(kind, x, source.group, kernel, stride or kernel, "valid")

    def add(self, a: int, b: int, relu: bool = False, ceiling: float = inf) -> int:
        """A residual add: the groups of a and b become one."""
        one, two = self._tensors[a], self._tensors[b]
        if replace(one, group=two.group) != two or self._units(one.group) != self._units(two.group):
            raise GraphError(f"layer {len(self._layers)}: add of tensors {a} and {b}, which differ in shape")
        keep, drop = sorted((self._root(one.group), self._root(two.group)))
        self._same[drop] = keep
        cut = self._groups[keep].cut and self._groups[drop].cut
        self._groups[keep] = replace(self._groups[keep], cut=cut)
        return self._add(Kind.ADD, (a, b), replace(one, group=keep), 0, relu=relu, ceiling=ceiling)

    def flatten(self, x: int) -> int:
        """Sites become copies of every unit, unit by unit."""
        source = self._tensors[x]
        copies = source.height * source.width * source.copies
        return self._add(Kind.FLATTEN, (x,), Tensor(source.group, copies=copies), 0)

    def build(self) -> Graph:
        """The chain whose output is the last tensor; its group is not cut."""
        last = self._root(self._tensors[-1].group)
        self._groups[last] = replace(self._groups[last], cut=False)
        roots = sorted({self._root(group) for group in range(len(self._groups))})
        number = {group: roots.index(self._root(group)) for group in range(len(self._groups))}
        return Graph(
            tuple(self._groups[root] for root in roots),
            tuple(replace(tensor, group=number[tensor.group]) for tensor in self._tensors),
            tuple(replace(x, reads=number[x.reads], writes=number[x.writes]) for x in self._layers),
        )

    def _group(self, units: int) -> int:
        if units < 1:
            raise GraphError(f"layer {len(self._layers)}: {units} units, at least 1 is needed")
        self._groups.append(Group(units, cut=True))
        self._same.append(len(self._same))
        return len(self._groups) - 1

    def _root(self, group: int) -> int:
        while self._same[group] != group:
            group = self._same[group]
        return group

    def _units(self, group: int) -> int:
        return self._groups[self._root(group)].units

    def _slide(self, kind: Kind, x: int, group: int, kernel: tuple[int, int], stride: tuple[int, int],
               padding: Padding | Named, **more: Any) -> int:  # fmt: skip
        """A layer that moves a window over the sites of x."""
        source = self._tensors[x]
        if padding == "same":
            padding = same_padding((source.height, source.width), kernel, stride)
        top, left, bottom, right = padding = (0, 0, 0, 0) if padding == "valid" else padding
        sides = source.height + top + bottom, source.width + left + right
        height, width = ((n - k) // s + 1 for n, k, s in zip(sides, kernel, stride, strict=True))
        if source.copies != 1 or min(height, width) < 1:
            raise GraphError(f"layer {len(self._layers)}: a window of {kernel} does not fit its input")
        if max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
            raise GraphError(f"layer {len(self._layers)}: padding as wide as the window of {kernel}")
        per_pair = height * width * kernel[0] * kernel[1] if kind in WEIGHTED else 0
        more |= {"kernel": kernel, "stride": stride, "padding": padding}
        return self._add(kind, (x,), Tensor(group, height, width), per_pair, **more)

    def _add(self, kind: Kind, inputs: tuple[int, ...], new: Tensor, per_pair: int, **more: Any) -> int:
        output, name = len(self._tensors), f"{kind.name.lower()}{len(self._layers)}"
        reads = self._tensors[inputs[0]].group
        self._layers.append(Layer(name, kind, inputs, output, reads, new.group, per_pair, **more))
        self._tensors.append(new)
        return output
