"""Each subnet as a `.tflite` file of its own: for peers to compare with, and for users who want one.

The files carry the pack's own weights, tables and scales; nothing is calibrated a second time. A row of the
pack, `y = z + acc * m / 2^32`, is what TFLite calls per-channel quantization: its weights' scale is
|m| / 2^32 in steps of the output for one of the input. TFLite's scales are positive, so a row whose m is
negative has the signs of its weights and its bias flipped.

Scales between layers, which a pack does not hold, are chosen (`labels`).

What TFLite does otherwise than the reference, each worth a step: it rounds in its own way, what no ReLU
follows may be -128 where a pack's arithmetic stops at -127, and of a bias that an average or an addition has
beyond its zero points (only made-up nets have one) up to half a step is lost.
"""

import re
from pathlib import Path

from reds import pack
from reds.errors import ModelError, PackError
from reds.export.tflite.graph import Graph
from reds.export.tflite.layers import network
from reds.files import ensure_writable, write_atomically
from reds.pack import extract
from reds.pack.model import Model


def dumps(model: Model, subnet: int) -> bytes:
    """One subnet's `.tflite` file: int8, one input and one output, batch 1, NHWC; a dense net's [1, units].

    Raises `ModelError` if a scale is not above 0, `ModuleNotFoundError` without tensorflow.
    """
    chosen = extract.extract_subnet(model, subnet)
    for what, scale in (("input", model.input_scale), ("output", chosen.subnets[0].output_scale)):
        if not 0 < scale < float("inf"):
            raise ModelError(f"{model.name}: TFLite needs scales above 0, its {what} has {scale:g}")
    subnet_name = chosen.subnets[0].name
    graph = Graph(f"{model.name}, subnet {subnet_name}, of a REDS pack")
    first, last = network(graph, chosen)
    return graph.dumps(first, last)


def export(path: Path, out: Path) -> dict[Path, int]:
    """Write NAME-SUBNET.tflite for every subnet of the pack NAME.reds; returns the bytes of each file.

    Subnet `25%` of kws-dnn-s.reds becomes kws-dnn-s-25.tflite. All are made before the first is written.
    Raises `PackError` if the pack cannot be used, and `OSError`; and what `dumps` does.
    """
    model = pack.load(path)
    files = {out / f"{path.stem}-{file_suffix(s.name)}.tflite": i for i, s in enumerate(model.subnets)}
    if len(files) < len(model.subnets):
        names = ", ".join(subnet.name for subnet in model.subnets)
        raise PackError(f"{path}: its subnets' names make no file names of their own: {names}")
    made = {file: dumps(model, subnet) for file, subnet in files.items()}
    ensure_writable(out)
    for file, data in made.items():
        write_atomically(file, data)
    return {file: len(data) for file, data in made.items()}


def file_suffix(name: str) -> str:
    """Return a subnet's name as part of a file name: `25` for `25%`."""
    return re.sub(r"[^\w.+-]", "_", name.removesuffix("%"))
