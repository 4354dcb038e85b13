"""The networks, one file each, built on `reds.chain`; and every one of them by its name."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

from reds.chain import Chain, ChainError
from reds.nets.cnn import cnn
from reds.nets.dnn import dnn
from reds.nets.ds_cnn import ds_cnn, ds_cnn_vision
from reds.nets.mobilenet import mobilenet
from reds.nets.resnet import resnet8

NETS: Mapping[str, Callable[[], Chain]] = {
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


def by_name(name: str) -> Chain:
    """The net of this name at its published input. Raises `ChainError`, naming the nearest there is."""
    if name not in NETS:
        nearest = get_close_matches(name, NETS, 1, 0) or list(NETS)
        raise ChainError(f"no net {name!r}; did you mean {nearest[0]}? There are {', '.join(NETS)}")
    return NETS[name]()
