"""Build a graph layer by layer, and count sizes, MACs and the unit groups that residual adds merge."""

from dataclasses import replace
from math import inf
from typing import Any, Literal, NoReturn

from reds.errors import GraphError
from reds.graph import Graph, Group, Layer, Padding, Tensor, same_padding
from reds.pack.model import WEIGHTED, Kind

NamedPadding = Literal["same", "valid"]
"""TensorFlow's names: `same` pads to ceil(side / stride) windows, `valid` does not pad."""


class Builder:
    """Adds layers one by one: each method takes and returns indices of tensors, and `build` the graph."""

    def __init__(self, units: int, height: int = 1, width: int = 1) -> None:
        self._groups = [Group(units, cut=False)]
        self._parents = [0]  # union-find: a group that was merged points to the one that stands for it
        self._tensors = [Tensor(0, height, width)]
        self._layers: list[Layer] = []
        self.input = 0

    def dense(self, x: int, units: int, relu: bool = True, norm: bool = True,
              ceiling: float = inf) -> int:  # fmt: skip
        """Add a fully connected layer.

        Args:
            x: The tensor to read, flattened or of 1 x 1 positions.
            units: Units written.
            relu: Whether a ReLU follows.
            norm: Whether a batch norm follows.
            ceiling: The upper limit of the ReLU.

        Raises:
            GraphError: The tensor is not flat.
        """
        source = self._tensors[x]
        if (source.height, source.width) != (1, 1):
            self._refuse(
                f"a dense layer reads {source.height} x {source.width} positions: flatten them first"
            )
        options = {"copies": source.copies, "relu": relu, "norm": norm, "ceiling": ceiling}
        return self._add(Kind.DENSE, (x,), Tensor(self._new_group(units)), source.copies, **options)

    def conv(self, x: int, units: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
             padding: Padding | NamedPadding = "same", relu: bool = True, norm: bool = True,
             ceiling: float = inf) -> int:  # fmt: skip
        """Add a convolution.

        Args:
            x: The tensor to read.
            units: Units written.
            kernel: Rows and columns of the window.
            stride: Rows and columns that the window moves by.
            padding: Rows and columns added at the top, left, bottom and right, or a name.
            relu: Whether a ReLU follows.
            norm: Whether a batch norm follows.
            ceiling: The upper limit of the ReLU.

        Raises:
            GraphError: The window does not fit the padded input.
        """
        options = {"relu": relu, "norm": norm, "ceiling": ceiling}
        return self._slide(Kind.CONV, x, self._new_group(units), kernel, stride, padding, **options)

    def depthwise(self, x: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
                  padding: Padding | NamedPadding = "same", relu: bool = True, norm: bool = True,
                  ceiling: float = inf) -> int:  # fmt: skip
        """Add a depthwise convolution: one filter for each unit of x, and the same unit group.

        Args:
            x: The tensor to read.
            kernel: Rows and columns of the window.
            stride: Rows and columns that the window moves by.
            padding: Rows and columns added at the top, left, bottom and right, or a name.
            relu: Whether a ReLU follows.
            norm: Whether a batch norm follows.
            ceiling: The upper limit of the ReLU.

        Raises:
            GraphError: The window does not fit the padded input.
        """
        options = {"relu": relu, "norm": norm, "ceiling": ceiling}
        return self._slide(Kind.DEPTHWISE, x, self._tensors[x].group, kernel, stride, padding, **options)

    def pool(self, x: int, kernel: tuple[int, int] | None = None, stride: tuple[int, int] | None = None,
             kind: Kind = Kind.AVERAGE_POOL) -> int:  # fmt: skip
        """Add an average or a maximum over windows.

        Args:
            x: The tensor to read.
            kernel: Rows and columns of the window; by default all positions.
            stride: Rows and columns that the window moves by; by default the kernel's.
            kind: `AVERAGE_POOL` or `MAX_POOL`.

        Raises:
            GraphError: The window does not fit the input.
        """
        source = self._tensors[x]
        kernel = kernel or (source.height, source.width)
        return self._slide(kind, x, source.group, kernel, stride or kernel, "valid")

    def add(self, a: int, b: int, relu: bool = False, ceiling: float = inf) -> int:
        """Add a residual addition, which merges the unit groups of a and b.

        Args:
            a: A tensor to read.
            b: A tensor of the same shape.
            relu: Whether a ReLU follows.
            ceiling: The upper limit of the ReLU.

        Raises:
            GraphError: The tensors differ in shape.
        """
        left, right = self._tensors[a], self._tensors[b]
        if replace(left, group=right.group) != right or self._units(left) != self._units(right):
            self._refuse(f"tensors {a} and {b} cannot be added: {self._shape(left)} and {self._shape(right)}")
        kept, merged = sorted((self._root(left.group), self._root(right.group)))
        self._parents[merged] = kept
        cut = self._groups[kept].cut and self._groups[merged].cut
        self._groups[kept] = replace(self._groups[kept], cut=cut)
        return self._add(Kind.ADD, (a, b), replace(left, group=kept), 0, relu=relu, ceiling=ceiling)

    def flatten(self, x: int) -> int:
        """Add a flatten: all positions of the first unit become features, then those of the second."""
        source = self._tensors[x]
        copies = source.height * source.width * source.copies
        return self._add(Kind.FLATTEN, (x,), Tensor(source.group, copies=copies), 0)

    def build(self) -> Graph:
        """Return the graph. Its output is the last tensor, whose units are never cut."""
        last = self._root(self._tensors[-1].group)
        self._groups[last] = replace(self._groups[last], cut=False)
        roots = sorted({self._root(group) for group in range(len(self._groups))})
        number = {group: roots.index(self._root(group)) for group in range(len(self._groups))}
        return Graph(
            tuple(self._groups[root] for root in roots),
            tuple(replace(tensor, group=number[tensor.group]) for tensor in self._tensors),
            tuple(replace(x, reads=number[x.reads], writes=number[x.writes]) for x in self._layers),
        )

    def _refuse(self, problem: str) -> NoReturn:
        raise GraphError(f"layer {len(self._layers)}: {problem}")

    def _new_group(self, units: int) -> int:
        if units < 1:
            self._refuse(f"{units} units, but at least 1 is needed")
        self._groups.append(Group(units, cut=True))
        self._parents.append(len(self._parents))
        return len(self._groups) - 1

    def _root(self, group: int) -> int:
        while self._parents[group] != group:
            group = self._parents[group]
        return group

    def _units(self, tensor: Tensor) -> int:
        return self._groups[self._root(tensor.group)].units

    def _shape(self, tensor: Tensor) -> str:
        return f"{tensor.height} x {tensor.width} x {self._units(tensor) * tensor.copies}"

    def _slide(self, kind: Kind, x: int, group: int, kernel: tuple[int, int], stride: tuple[int, int],
               padding: Padding | NamedPadding, **options: Any) -> int:  # fmt: skip
        """Add a layer that slides a window over the positions of x and writes units of `group`."""
        source = self._tensors[x]
        if source.copies != 1:
            self._refuse("its input is flattened: a window needs spatial positions")
        if padding == "same":
            padding = same_padding((source.height, source.width), kernel, stride)
        top, left, bottom, right = padding = (0, 0, 0, 0) if padding == "valid" else padding
        sides = source.height + top + bottom, source.width + left + right
        height, width = ((n - k) // s + 1 for n, k, s in zip(sides, kernel, stride, strict=True))
        if min(height, width) < 1:
            self._refuse(f"a window of {kernel} does not fit its padded input of {sides}")
        if max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
            self._refuse(f"padding {padding} is as wide as the window of {kernel}: each side must be less")
        per_pair = height * width * kernel[0] * kernel[1] if kind in WEIGHTED else 0
        options |= {"kernel": kernel, "stride": stride, "padding": padding}
        return self._add(kind, (x,), Tensor(group, height, width), per_pair, **options)

    def _add(self, kind: Kind, inputs: tuple[int, ...], new: Tensor, per_pair: int, **options: Any) -> int:
        """Append a layer that writes the new tensor, and return the tensor's index."""
        output, name = len(self._tensors), f"{kind.name.lower()}{len(self._layers)}"
        reads = self._tensors[inputs[0]].group
        self._layers.append(Layer(name, kind, inputs, output, reads, new.group, per_pair, **options))
        self._tensors.append(new)
        return output
