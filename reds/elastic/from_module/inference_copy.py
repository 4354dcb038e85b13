"""Copy a user's torch module to float32 at inference: without wrappers, and with finite weights only."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from reds.errors import NotElasticError


def inference_copy(module: nn.Module) -> nn.Module:
    """Return a float32 copy at inference, without torch's wrappers around it or around a part of it.

    Wrappers are `torch.compile`, `DataParallel`, `DistributedDataParallel` and `AveragedModel`, of which the
    averaged weights are taken. The given module stays as it is.

    Raises:
        NotElasticError: It is no module, a part of it cannot be copied, or a value of it is not finite.
    """
    if not isinstance(module, nn.Module):
        raise NotElasticError(f"{type(module).__name__}: it is no torch.nn.Module: pass a module")
    module = _inside(module)
    kind = type(module).__name__
    _check_copyable(module, kind)
    copy = deepcopy(module)
    for part in list(copy.modules()):
        for name, child in part.named_children():
            setattr(part, name, _inside(child))
    copy = copy.cpu().float().eval()
    _check_finite(copy, kind)
    return copy


def _inside(module: nn.Module) -> nn.Module:
    """Return the module that a wrapper holds, or the module itself if it is no wrapper."""
    while True:
        if isinstance(module, DataParallel | DistributedDataParallel | AveragedModel):
            module = module.module
        elif isinstance(original := getattr(module, "_orig_mod", None), nn.Module):  # torch.compile
            module = original
        else:
            return module


def _check_copyable(module: nn.Module, kind: str) -> None:
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            what = f"{path} is a ScriptModule" if path else "it is a ScriptModule"
            remedy = "pass the nn.Module that it was compiled from"
            raise NotElasticError(f"{kind}: {what}, whose operations cannot be traced: {remedy}")
        for name, value in vars(part).items():
            if isinstance(value, Tensor) and not value.is_leaf:
                where = f"{path}.{name}".lstrip(".")
                remedy = "delete it, or end an old weight norm with torch.nn.utils.remove_weight_norm"
                raise NotElasticError(f"{kind}: {where} is computed and cannot be copied: {remedy}")
    for where, weight in module.named_parameters():
        if isinstance(weight, nn.parameter.UninitializedParameter):
            raise NotElasticError(f"{kind}: {where} has no values yet: run the module once")


def _check_finite(module: nn.Module, kind: str) -> None:
    """Raise `NotElasticError` if a weight or a norm's statistic is not finite, or a variance is negative."""
    for where, values in [*module.named_parameters(), *module.named_buffers()]:
        if bad := int((~values.isfinite()).sum()):
            found = f"{where} has {bad:,} of {values.numel():,} values that are not finite in float32"
            remedy = "load a checkpoint from before the training diverged or overflowed"
            raise NotElasticError(f"{kind}: {found}: {remedy}")
        if where.split(".")[-1] == "running_var" and bool((values < 0).any()):
            found = f"{where} has a negative variance, {values.min():g}"
            raise NotElasticError(f"{kind}: {found}: load another checkpoint, or run the norm on data again")
