"""Torchvision as it can be installed beside a torch for CPUs: its Python parts, real; its operators, if any.

The wheel on PyPI is built for CUDA, and its operators load only beside a torch for CUDA. Data sets and
transforms need none of them. The import needs the names of two, which are declared here if they are missing.
"""

import torch

try:
    import torchvision
except RuntimeError as error:
    if "nms does not exist" not in str(error):
        raise
    _operators = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

from torchvision import datasets, transforms
from torchvision.transforms import v2

__all__ = ["datasets", "torchvision", "transforms", "v2"]
