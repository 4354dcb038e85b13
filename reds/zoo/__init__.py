"""The networks, one file each, built on `reds.chain`; and every one of them by its name."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

from reds.errors import GraphError
from reds.graph import Graph
from reds.zoo.cnn import cnn
from reds.zoo.dnn import dnn
from reds.zoo.ds_cnn import ds_cnn, ds_cnn_vision
from reds.zoo.mobilenet import mobilenet
from reds.zoo.resnet import resnet8

NETS: Mapping[str, Callable[[], Graph]] = {
    "dnn-s": partial(dnn, "s"),
    "dnn-l": partial(dnn, "l"),
    "cnn-s": partial(cnn, "s"),
    "cnn-l": partial(cnn, "l"),
    "ds-cnn-s": partial(ds_cnn, "s"),
    "ds-cnn-l": partial(ds_cnn, "l"),
    "ds-cnn-s-28x28x1": partial(ds_cnn_vision, 28, 28, 1, (13, 5)),
    "ds-cnn-s-32x32x3": partial(ds_cnn_vision, 32, 32, 3, (16, 5)),
    "mobilenet-0.25": partial(mobilenet, 0.25),
    "mobilenet-1.0": partial(mobilenet, 1.0),
    "resnet8": resnet8,
}
"""At their published inputs."""
SIZED: Mapping[str, Callable[[int, int, int], Graph]] = {
    "dnn-s": partial(dnn, "s"),
    "dnn-l": partial(dnn, "l"),
    "ds-cnn-s": ds_cnn_vision,
    "mobilenet-0.25": partial(mobilenet, 0.25),
    "mobilenet-1.0": partial(mobilenet, 1.0),
    "resnet8": resnet8,
}
"""At any input: rows, columns, units. DS-CNN is the one for pictures, with an average over all sites."""
SIDE = "([1-9][0-9]{0,4})"
THERE_ARE = f"{', '.join(NETS)}, or, at an input of your own as in dnn-s-40x30x3, {', '.join(SIZED)}"


def by_name(name: str, classes: int | None = None) -> Graph:
    """The net of this name, with so many classes; as many as were published if it is not said.

    A name of `SIZED` may be followed by the input, as in `resnet8-40x30x3`: rows, columns, units. Raises
    `GraphError`, naming the nearest there is.
    """
    make = find_net(name)
    if not make:
        nearest = get_close_matches(name, NETS, 1, 0) or list(NETS)
        raise GraphError(f"no net {name!r}; did you mean {nearest[0]}? There are {THERE_ARE}")
    graph = make()
    output = graph.tensors[-1].group
    return graph.resized([classes if classes and g == output else n for g, n in enumerate(graph.full)])


def find_net(name: str) -> Callable[[], Graph] | None:
    """What makes the net of this name, if there is one."""
    sized = re.fullmatch(rf"(.+)-{SIDE}x{SIDE}x{SIDE}", name)
    if name not in NETS and sized and sized[1] in SIZED:
        return partial(SIZED[sized[1]], *map(int, sized.groups()[1:]))
    return NETS.get(name)
