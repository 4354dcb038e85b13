"""Export each subnet as a `.tflite` file of its own, to compare with TFLite or to use there.

The files hold the pack's own weights, tables and scales; nothing is calibrated a second time. A row of the
pack, `y = z + acc * m / 2^32`, is per-channel quantization in TFLite: the scale of its weights is |m| / 2^32,
in steps of the output per step of the input. TFLite's scales are positive, so a row with a negative m has the
signs of its weights and its bias flipped. A pack holds no scales between layers, so `quantization` chooses
them.

Activation tables become ops that look bytes up. The units of a concatenation are in the order of one subnet
alone. A layer that no op computes is refused by its name.

TFLite differs from the pack's arithmetic in three ways, each worth at most one step:
- It rounds in another way.
- A layer without ReLU may output -128, where the pack stops at -127.
- An average pool or an addition with a bias beyond its zero points loses up to half a step of it. Only random
  test nets have such a bias.
"""

import re
from pathlib import Path

from reds import pack
from reds.errors import ModelError, PackError
from reds.export.tflite.activations import split_activations
from reds.export.tflite.flatbuffer import FlatBufferGraph
from reds.export.tflite.layers import REFUSED, add_model
from reds.files import ensure_writable, write_atomically
from reds.pack import extract
from reds.pack.model import Model


def dumps(model: Model, subnet: int) -> bytes:
    """Return one subnet's `.tflite` file: int8, batch 1, one NHWC input and one output.

    The input of a net of dense layers alone is [1, units]. Layers that the subnet leaves out are not in the
    file.

    Raises:
        ModelError: A scale is not above 0, or no op of TFLite computes a layer.
        ModuleNotFoundError: tensorflow is missing.
    """
    for step in model.subnets[subnet].steps:
        kind = model.layers[step.layer].kind
        if kind in REFUSED:
            place = f"{model.name}: layer {step.layer} ({kind.name.lower()})"
            raise ModelError(f"{place}: {REFUSED[kind]}: run the pack itself")
    chosen = extract.extract_subnet(model, subnet)
    for side, scale in (("input", model.input_scale), ("output", chosen.subnets[0].output_scale)):
        if not 0 < scale < float("inf"):
            raise ModelError(
                f"{model.name}: TFLite needs scales above 0, its {side} has {scale:g}: write the pack again"
                " with a scale above 0"
            )
    subnet_name = chosen.subnets[0].name
    graph = FlatBufferGraph(f"{model.name}, subnet {subnet_name}, of a REDS pack")
    first, last = add_model(graph, split_activations(chosen))
    return graph.dumps(first, last)


def export(path: Path, out: Path) -> dict[Path, int]:
    """Write NAME-SUBNET.tflite for every subnet of the pack NAME.reds; return the bytes of each file.

    Subnet `25%` of kws-dnn-s.reds becomes kws-dnn-s-25.tflite. No file is written before all are made.

    Raises:
        PackError: The pack cannot be used, or its subnets' names give equal file names.
        ModelError: A scale is not above 0, or no op of TFLite computes a layer.
        ModuleNotFoundError: tensorflow is missing.
        OSError: `out` cannot be written.
    """
    model = pack.load(path)
    files = {out / f"{path.stem}-{file_suffix(s.name)}.tflite": i for i, s in enumerate(model.subnets)}
    if len(files) < len(model.subnets):
        names = ", ".join(subnet.name for subnet in model.subnets)
        raise PackError(
            f"{path}: its subnets' names make no file names of their own: {names}; build the pack with other"
            " names"
        )
    made = {file: dumps(model, subnet) for file, subnet in files.items()}
    ensure_writable(out)
    for file, data in made.items():
        write_atomically(file, data)
    return {file: len(data) for file, data in made.items()}


def file_suffix(name: str) -> str:
    """Return a subnet's name as part of a file name: `25` for `25%`."""
    return re.sub(r"[^\w.+-]", "_", name.removesuffix("%"))
