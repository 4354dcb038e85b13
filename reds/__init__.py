"""REDS: nested subnets of one network, from training to a deployable pack.

    net = reds.from_module(module, input_shape=(3, 32, 32))
    data = reds.Dataset.split(x, y)
    result = reds.compress(net, data, budgets=[0.25, 0.5, 1.0], epochs=20)
    result.save("mine.reds")
    reds.load("mine.reds").run(x, subnet="25%")

Names are imported when they are first used: reading a pack needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reds import zoo
    from reds.data.dataset import Dataset
    from reds.data.options import AugmentationOptions, SeriesOptions, SoundOptions
    from reds.elastic.from_checkpoint import from_checkpoint
    from reds.elastic.from_module import from_module
    from reds.elastic.from_onnx import from_onnx
    from reds.elastic.net import ElasticNet, nest
    from reds.errors import RedsError
    from reds.experiment.build import build
    from reds.experiment.compress import compress
    from reds.experiment.result import Result
    from reds.graph.subnets import Budget, SubnetSpec
    from reds.nesting.budgets import TargetProfile
    from reds.nesting.importance import score
    from reds.nesting.options import SelectionOptions
    from reds.nesting.permute import permute
    from reds.nesting.select import select
    from reds.pack.pack import Pack
    from reds.pack.pack import load_pack as load
    from reds.pack.writer import save as write
    from reds.quantization.quantize import quantize
    from reds.training.options import JointOptions, TrainingOptions
    from reds.training.trainer import train

__all__ = [
    "AugmentationOptions",
    "Budget",
    "Dataset",
    "ElasticNet",
    "JointOptions",
    "Pack",
    "RedsError",
    "Result",
    "SelectionOptions",
    "SeriesOptions",
    "SoundOptions",
    "SubnetSpec",
    "TargetProfile",
    "TrainingOptions",
    "build",
    "compress",
    "from_checkpoint",
    "from_module",
    "from_onnx",
    "load",
    "nest",
    "permute",
    "quantize",
    "score",
    "select",
    "train",
    "write",
    "zoo",
]

_HOMES = {
    "AugmentationOptions": "reds.data.options:AugmentationOptions",
    "Budget": "reds.graph.subnets:Budget",
    "Dataset": "reds.data.dataset:Dataset",
    "ElasticNet": "reds.elastic.net:ElasticNet",
    "JointOptions": "reds.training.options:JointOptions",
    "Pack": "reds.pack.pack:Pack",
    "RedsError": "reds.errors:RedsError",
    "Result": "reds.experiment.result:Result",
    "SelectionOptions": "reds.nesting.options:SelectionOptions",
    "SeriesOptions": "reds.data.options:SeriesOptions",
    "SoundOptions": "reds.data.options:SoundOptions",
    "SubnetSpec": "reds.graph.subnets:SubnetSpec",
    "TargetProfile": "reds.nesting.budgets:TargetProfile",
    "TrainingOptions": "reds.training.options:TrainingOptions",
    "build": "reds.experiment.build:build",
    "compress": "reds.experiment.compress:compress",
    "from_checkpoint": "reds.elastic.from_checkpoint:from_checkpoint",
    "from_module": "reds.elastic.from_module:from_module",
    "from_onnx": "reds.elastic.from_onnx:from_onnx",
    "load": "reds.pack.pack:load_pack",
    "nest": "reds.elastic.net:nest",
    "permute": "reds.nesting.permute:permute",
    "quantize": "reds.quantization.quantize:quantize",
    "score": "reds.nesting.importance:score",
    "select": "reds.nesting.select:select",
    "train": "reds.training.trainer:train",
    "write": "reds.pack.writer:save",
    "zoo": "reds.zoo",
}
"""Module of each public name, and the name in that module."""


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version  # imported here: the command's help needs none

        return version("reds-hil")
    if name not in _HOMES:
        raise AttributeError(f"module 'reds' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    found = import_module(module)
    value: object = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
