"""Define the published networks, one file each, and find them by name."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from reds.errors import GraphError
from reds.graph import Graph
from reds.spelling import did_you_mean
from reds.text import shown
from reds.zoo.autoencoder import autoencoder
from reds.zoo.bc_resnet import bc_resnet
from reds.zoo.cnn import cnn
from reds.zoo.dnn import dnn
from reds.zoo.ds_cnn import ds_cnn, ds_cnn_vision
from reds.zoo.keyword_transformer import keyword_transformer
from reds.zoo.matchbox import matchbox
from reds.zoo.mobilenet import mobilenet
from reds.zoo.mobilenet_v2 import mobilenet_v2
from reds.zoo.mobilenet_v3 import mobilenet_v3_small
from reds.zoo.resnet import resnet8
from reds.zoo.vit import vit, vit_xs

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
    "mobilenet-v2-0.35": partial(mobilenet_v2, 0.35),
    "mobilenet-v2-1.0": partial(mobilenet_v2, 1.0),
    "mobilenet-v3-small": mobilenet_v3_small,
    "resnet8": resnet8,
    "matchbox": matchbox,
    "bc-resnet-1": partial(bc_resnet, 1),
    "autoencoder": autoencoder,
    "keyword-transformer": keyword_transformer,
    "vit-xs": vit_xs,
    "vit-ti": partial(vit, "ti"),
    "vit-s": partial(vit, "s"),
    "vit-b": partial(vit, "b"),
}
"""Networks at their published input sizes."""
RESIZABLE: Mapping[str, Callable[[int, int, int], Graph]] = {
    "dnn-s": partial(dnn, "s"),
    "dnn-l": partial(dnn, "l"),
    "ds-cnn-s": ds_cnn_vision,
    "mobilenet-0.25": partial(mobilenet, 0.25),
    "mobilenet-1.0": partial(mobilenet, 1.0),
    "mobilenet-v2-0.35": partial(mobilenet_v2, 0.35),
    "mobilenet-v2-1.0": partial(mobilenet_v2, 1.0),
    "mobilenet-v3-small": mobilenet_v3_small,
    "resnet8": resnet8,
    "keyword-transformer": keyword_transformer,
    "vit-xs": vit_xs,
    "vit-ti": partial(vit, "ti"),
    "vit-s": partial(vit, "s"),
    "vit-b": partial(vit, "b"),
}
"""Networks at any rows, columns and channels. DS-CNN is the variant for pictures, with global pooling."""
SIDE = "([1-9][0-9]{0,4})"
KNOWN_NAMES = f"{', '.join(NETS)}, or, at an input of your own as in dnn-s-40x30x3, {', '.join(RESIZABLE)}"
"""All names, as help and errors list them."""


def by_name(name: str, classes: int | None = None) -> Graph:
    """Return the network of this name.

    Args:
        name: A name of `NETS`, or of `RESIZABLE` with rows, columns and channels, as `resnet8-40x30x3`.
        classes: Outputs of the classifier; by default as many as published.

    Raises:
        GraphError: No network has this name; the text lists the names and suggests the most similar one.
    """
    make = find_net(name) if isinstance(name, str) else None
    if not make:
        raise GraphError(unknown_net(str(name)))
    if not isinstance(classes, int | None) or (classes is not None and classes < 1):
        raise GraphError(f"classes is {shown(classes)}: a whole number of 1 or more is needed")
    graph = make()
    output = graph.tensors[-1].spans[0].group
    return graph.resized([classes if classes and g == output else n for g, n in enumerate(graph.full)])


def find_net(name: str) -> Callable[[], Graph] | None:
    """Return the function that builds the network of this name, or None if there is no such network."""
    sized = re.fullmatch(rf"(.+)-{SIDE}x{SIDE}x{SIDE}", name)
    if name not in NETS and sized and sized[1] in RESIZABLE:
        return partial(RESIZABLE[sized[1]], *map(int, sized.groups()[1:]))
    return NETS.get(name)


def unknown_net(name: str) -> str:
    """Return the error about a name that no network has, with the most similar names."""
    sides = name.rpartition("-")[2]
    sized = re.fullmatch(rf"{SIDE}x{SIDE}x{SIDE}", sides)
    likely = [*(f"{each}-{sides}" for each in RESIZABLE if sized), *NETS]
    guess = did_you_mean(name.lower(), likely).partition("? ")
    names = f"{guess[0]}? Known: {', '.join(NETS)}" if guess[1] else f"known: {', '.join(NETS)}"
    own = f"at an input of your own, as dnn-s-40x30x3: {', '.join(RESIZABLE)}"
    return f"no net {shown(name)}; {names}; {own}"


def names_reading(shape: tuple[int, int, int]) -> list[str]:
    """Return the names of the networks for examples of a shape: rows, columns and units.

    A published network of this input size comes first, under its short name.
    """
    sides = "x".join(map(str, shape))
    published = [name for name, make in NETS.items() if make().reads(shape)]
    others = [f"{name}-{sides}" for name in RESIZABLE if name not in published]
    return [*published, *(name for name in others if name not in published)]


def other_net(name: str) -> str | None:
    """Return the published net that the short part of a name means, if the name itself means another net.

    `ds-cnn-s-49x10x1` has the kernels and the pooling of the net for pictures, at the input size of
    `ds-cnn-s`, the net for speech.
    """
    short = re.sub(rf"-{SIDE}x{SIDE}x{SIDE}$", "", name)
    if short == name or short not in NETS:
        return None
    made, published = by_name(name), NETS[short]()
    same_input = (made.tensors[0], made.full[0]) == (published.tensors[0], published.full[0])
    return short if same_input and made.layers != published.layers else None
