"""Read the parameters in a checkpoint file. Nothing in the file is executed."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from reds.errors import NotElasticError
from reds.reading import check_regular, reason

WRAPPERS = ("model", "state_dict")
"""Keys under which training programs keep a model's parameters."""
SAFE = ".safetensors"


def read_parameters(path: Path) -> Mapping[str, Tensor]:
    """Return all parameters of a file, by name.

    Args:
        path: A file of `torch.save` (.pt, .pth, .bin), or of safetensors.

    Raises:
        NotElasticError: The file cannot be read, or holds anything but parameters.
    """
    try:
        check_regular(path)
        held = _read_safetensors(path) if path.suffix == SAFE else _read_torch(path)
    except ModuleNotFoundError as error:
        raise NotElasticError(f"{path}: {SAFE} needs the package safetensors: {error}; install it") from None
    except Exception as error:  # damaged bytes raise errors of zipfile, pickle, torch and others
        raise NotElasticError(
            f"{path}: cannot be read as parameters: {reason(error)}; save model.state_dict() by torch.save"
        ) from error
    for key in WRAPPERS:
        if isinstance(held, dict) and isinstance(held.get(key), dict):
            held = held[key]
    if not isinstance(held, dict) or not held:
        found = type(held).__name__ if not isinstance(held, dict) else "an empty dict"
        raise NotElasticError(f"{path}: holds {found}: save model.state_dict() by torch.save")
    for name, value in held.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or not value.is_floating_point():
            found = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
            raise NotElasticError(
                f"{path}: {name!r} is {found}: floating-point tensors are needed: save model.state_dict()"
            )
    return held


def _read_torch(path: Path) -> object:
    held: object = torch.load(path, map_location="cpu", weights_only=True)
    return held


def _read_safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    held: object = load_file(path)
    return held
