"""Both ends refuse packs that break a rule of the modern kinds, each rule by itself."""

import ctypes
import struct
from collections.abc import Mapping

import numpy as np
import pytest

from reds import pack
from reds.pack.format import STEP
from reds.pack.interpreter.attention import EXPONENTS
from reds.pack.model import Kind, Model
from tests.support.nets import Maker
from tests.targets.support.fuzz.mutations import seed_of
from tests.targets.support.fuzz.verdicts import read, seal
from tests.targets.support.sources import TARGETS
from tests.targets.support.status import Status


def one(
    kind: Kind, height: int = 4, width: int = 3, units: int = 6, written: int = 0, **options: object
) -> Model:
    """Return a net of one layer, which writes `written` units if its kind may."""
    maker = Maker(height, width, units)
    maker.add(kind, written, **options)  # type: ignore[arg-type]
    return maker.build([[written] if kind in (Kind.CONV, Kind.TRANSPOSED) else []])


SQUARE = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}
NETS: Mapping[str, Model] = {
    "dilated": one(Kind.CONV, written=4, kernel=(3, 2), padding=(2, 1, 2, 1), dilation=(2, 2)),
    "grouped": one(Kind.GROUPED, written=9, groups=3, **SQUARE),
    "transposed": one(Kind.TRANSPOSED, written=4, kernel=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1)),
    "upsample": one(Kind.UPSAMPLE, stride=(2, 3)),
    "multiply": one(Kind.MULTIPLY, other=0),
    "concat": one(Kind.CONCAT, inputs=(0, 0, 0)),
    "prelu": one(Kind.PRELU),
    "norm": one(Kind.LAYER_NORM),
    "attention": one(Kind.ATTENTION, inputs=(0, 0, 0), groups=2),
    "embedding": one(Kind.EMBED, padding=(2, 0, 0, 0)),
    "transpose": one(Kind.TRANSPOSE),
    "reshape": one(Kind.RESHAPE, shape=one(Kind.TRANSPOSE).tensors[1]),
}

# Net, offset in its layer, type and value.
FIELDS = {
    "dilation of 0": ("dilated", 20, "B", 0),
    "dilation that no window fits": ("dilated", 20, "B", 4),
    "dilation of a grouped convolution that changes its output": ("grouped", 20, "B", 2),
    "padding as large as the window": ("dilated", 16, "B", 5),
    "no groups": ("grouped", 22, "H", 0),
    "groups that do not divide the units written": ("grouped", 22, "H", 2),
    "groups that do not divide the units read": ("grouped", 22, "H", 9),
    "weights of other groups": ("grouped", 22, "H", 1),
    "dilation of a transposed convolution": ("transposed", 21, "B", 2),
    "stride of a transposed convolution": ("transposed", 14, "B", 3),
    "no stride of a transposed convolution": ("transposed", 14, "B", 0),
    "padding of a transposed convolution": ("transposed", 18, "B", 3),
    "stride of an upsampling": ("upsample", 15, "B", 2),
    "kernel of an upsampling": ("upsample", 12, "B", 2),
    "padding of an upsampling": ("upsample", 17, "B", 1),
    "relu of an upsampling": ("upsample", 1, "B", 1),
    "one input of a multiplication": ("multiply", 2, "B", 1),
    "three inputs of a multiplication": ("multiply", 2, "B", 3),
    "groups of a multiplication": ("multiply", 22, "H", 2),
    "two inputs of a concatenation of three": ("concat", 2, "B", 2),
    "four inputs of a concatenation of three": ("concat", 2, "B", 4),
    "five inputs of a concatenation": ("concat", 2, "B", 5),
    "kernel of a parametric ReLU": ("prelu", 12, "B", 2),
    "second input of a layer norm": ("norm", 6, "H", 1),
    "two inputs of an attention": ("attention", 2, "B", 2),
    "fourth input of an attention": ("attention", 10, "H", 1),
    "heads that do not divide the units": ("attention", 22, "H", 4),
    "no heads": ("attention", 22, "H", 0),
    "positions in front of an embedding": ("embedding", 16, "B", 1),
    "padding on the left of an embedding": ("embedding", 17, "B", 1),
    "stride of an embedding": ("embedding", 15, "B", 2),
    "relu of a transpose": ("transpose", 1, "B", 1),
    "padding of a reshape": ("reshape", 19, "B", 1),
}


def refused(runtime: ctypes.CDLL, data: bytearray) -> None:
    """Assert that both ends refuse a pack."""
    sealed = seal(bytes(data))
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


@pytest.mark.parametrize(("net", "at", "code", "value"), FIELDS.values(), ids=FIELDS)
def test_invalid_field_of_a_modern_layer_is_refused_by_both(
    runtime: ctypes.CDLL, net: str, at: int, code: str, value: int
) -> None:
    data = bytearray(pack.dumps(NETS[net]))
    assert runtime.fuzz_load(bytes(data), len(data)) == Status.OK
    struct.pack_into("<" + code, data, seed_of(bytes(data)).layers[0] + at, value)
    refused(runtime, data)


# Net, entry of its table, and value. Halves of six rows have eight entries.
ENTRIES = {
    "bias of a multiplication": ("multiply", 0, 1),
    "second multiplier of a multiplication": ("multiply", 5, 256),
    "multiplier of a multiplication that is no multiple of 256": ("multiply", 4, 255),
    "bias of a concatenation of 2^30": ("concat", 1, 1 << 30),
    "bias past the inputs of a concatenation": ("concat", 3, 1),
    "multiplier past the inputs of a concatenation": ("concat", 7, 256),
    "multiplier below zero that is no multiple of 256": ("prelu", 1, 255),
    "multiplier below zero of 2^30": ("prelu", 5, 1 << 30),
    "multiplier past the units of a parametric ReLU": ("prelu", 14, 256),
    "epsilon of 0": ("norm", 6, 0),
    "epsilon of 2^30": ("norm", 6, 1 << 30),
    "bias past the epsilon": ("norm", 7, 1),
    "multiplier beside the epsilon": ("norm", 14, 256),
    "multiplier of a layer norm that is no multiple of 256": ("norm", 8, 1),
    "factor of scores of 0": ("attention", 0, 0),
    "negative factor of scores": ("attention", 0, -1),
    "factor of scores of 2^30": ("attention", 0, 1 << 30),
    "second bias of an attention": ("attention", 1, 1),
    "factor of an embedding of 2^15": ("embedding", 2, 1 << 15),
    "fourth bias of an embedding": ("embedding", 3, 1),
    "bias of a transposed convolution of more than 16 bits": ("transposed", 0, 65_537),
    "multiplier of a grouped convolution past its last row": ("grouped", 21, 256),
}


@pytest.mark.parametrize(("net", "entry", "value"), ENTRIES.values(), ids=ENTRIES)
def test_invalid_entry_of_a_modern_table_is_refused_by_both(
    runtime: ctypes.CDLL, net: str, entry: int, value: int
) -> None:
    data = bytearray(pack.dumps(NETS[net]))
    table = STEP.unpack_from(data, seed_of(bytes(data)).plans[0].steps[0])[3]
    struct.pack_into("<i", data, table + 4 * entry, value)
    refused(runtime, data)


def test_subnet_that_cuts_a_head_or_a_block_is_refused_by_both(
    runtime: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, inputs, written, cut in ((Kind.ATTENTION, (1, 1, 1), 6, 2), (Kind.GROUPED, (1,), 2, 4)):
        maker = Maker(3, 1, 4)
        maker.add(Kind.CONV, 6)
        maker.add(kind, written, inputs=inputs, groups=2)
        data = pack.dumps(maker.build([[3], [6]]))
        assert runtime.fuzz_load(data, len(data)) == Status.OK
        with monkeypatch.context() as lax:
            lax.setattr("reds.pack.writer.validate_model", lambda model: None)
            refused(runtime, bytearray(pack.dumps(maker.build([[cut], [6]]))))


def test_powers_of_the_softmax_are_those_of_the_reference() -> None:
    source = (TARGETS / "runtime/kernels/portable/attention.c").read_text()
    numbers = source.split("powers[256] = {")[1].split("}")[0].split(",")
    assert [int(number) for number in numbers if number.strip()] == EXPONENTS.tolist()
    assert np.array_equal(EXPONENTS, np.rint(2.0 ** (15 - np.arange(256) / 256)))
