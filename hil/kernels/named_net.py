"""Find the net that a command names: one of the zoo, that of a pack, or a module in a file of the user's."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from reds.errors import GraphError, PackError
from reds.graph import Graph
from reds.pack.pack import load_pack
from reds.text import shown
from reds.zoo import by_name

_SHAPE = "write --input ROWS, or UNITSxROWSxCOLUMNS as torch does, as 3x32x32"


def short_name(net: str) -> str:
    """Return a name for files about a net: that of the net, or of the file that has it."""
    return Path(net.partition(".py:")[0]).stem if ".py:" in net or net.endswith(".reds") else net


def graph_of(net: str, shape: str | None, classes: int | None) -> Graph:
    """Return the graph of a net.

    Args:
        net: A name of the zoo, the path of a pack of `reds build`, or `FILE.py:NAME` for a module of the
            user's, or for a function without arguments that returns one.
        shape: Shape of an example of such a module, as `3x32x32`.
        classes: Classes of a net of the zoo; None for its own.

    Raises:
        GraphError: There is no such net, or an argument does not belong to it.
        PackError: The pack is damaged.
    """
    file, own, name = net.partition(".py:")
    if classes is not None and (own or net.endswith(".reds")):
        raise GraphError(f"{net} has its own classes: leave --classes out")
    if own:
        return _traced(Path(f"{file}.py"), name, _sides(shape))
    if net.endswith(".py"):
        raise GraphError(f"{net} names no module: write {net}:NAME")
    if shape is not None:
        raise GraphError(f"{net} has its own input: leave --input out, or name a module as FILE.py:NAME")
    if net.endswith(".reds"):
        return _of_pack(Path(net))
    return by_name(net, classes)


def _of_pack(file: Path) -> Graph:
    from hil.kernels.predicted import net_of

    load_pack(file)  # raises if it is damaged itself
    try:
        return net_of(file, None).graph
    except PackError as error:
        unknown = f"{file}: its card names no shipped recipe that built it"
        raise GraphError(f"{unknown}; name its net, or a module as FILE.py:NAME") from error


def _sides(shape: str | None) -> tuple[int, ...]:
    if shape is None:
        raise GraphError(f"a module does not say what it reads: {_SHAPE}")
    sides = shape.split("x")
    if not all(side.isdecimal() and int(side) for side in sides):
        raise GraphError(f"--input is {shown(shape)}: {_SHAPE}")
    return tuple(map(int, sides))


def _traced(file: Path, name: str, sides: tuple[int, ...]) -> Graph:
    from torch import nn

    from reds.elastic.from_module import from_module

    found = getattr(_run(file), name, None)
    try:
        module = found if isinstance(found, nn.Module) or not callable(found) else found()
    except Exception as error:  # whatever a function of the user's does
        why = f"{type(error).__name__}: {error}"
        raise GraphError(f"{file}: {name}() fails: {why}; it must run without arguments") from error
    if not isinstance(module, nn.Module):
        raise GraphError(f"{file} has no torch module {shown(name)}, nor a function that returns one")
    return from_module(module, sides).graph


def _run(file: Path) -> Any:
    """Import a file of the user's, whose folder it may import from."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise GraphError(f"{file}: there is no such file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.absolute()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a file of the user's does
        raise GraphError(f"{file} does not run: {type(error).__name__}: {error}; correct it") from error
    finally:
        sys.path.pop(0)
    return module
