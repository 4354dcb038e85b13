"""Copy a user's torch module to float32 at inference: without wrappers, and with finite weights only."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import PurePath

import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from reds.errors import NotElasticError

_KERAS = "export it to ONNX, as docs/network.md shows under Keras, and give the file to reds.from_onnx"
_WEIGHTS = "make the module that the weights are of, call module.load_state_dict, and pass the module"
_BY_SUFFIX = {
    ".onnx": "reds.from_onnx reads such a file",
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin", ".safetensors"), _WEIGHTS),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), _KERAS),
    ".tflite": "it holds int8 or fixed weights: pass the module that it was made from",
}


def inference_copy(module: nn.Module) -> nn.Module:
    """Return a float32 copy at inference, without torch's wrappers around it or around a part of it.

    Wrappers are `torch.compile`, `DataParallel`, `DistributedDataParallel` and `AveragedModel`, of which the
    averaged weights are taken. The given module stays as it is.

    Raises:
        NotElasticError: It is no module, a part of it cannot be copied, or a value of it is not finite.
    """
    if not isinstance(module, nn.Module):
        raise NotElasticError(f"{_name(module)}: it is no torch.nn.Module: {_remedy(module)}")
    if any(each.__module__.split(".")[0] == "keras" for each in type(module).__mro__):
        raise NotElasticError(f"{type(module).__name__}: it is a model of Keras: {_KERAS}")
    module = _inside(module)
    kind = type(module).__name__
    _check_parts(module, kind)
    for where, values in [*module.named_parameters(), *module.named_buffers()]:
        _check_kind_of_values(kind, where, values)
    try:
        copy = deepcopy(module)
    except Exception as error:  # of the user's classes, of any kind
        raise NotElasticError(
            f"{kind}: {_uncopyable(module)} cannot be copied ({error}): delete it before, or keep it outside"
            " the module"
        ) from error
    for part in list(copy.modules()):
        for name, child in part._modules.items():
            part._modules[name] = None if child is None else _inside(child)
    copy = copy.cpu().float().eval()
    _check_finite(copy, kind)
    return copy


def _name(given: object) -> str:
    """Return how to call something that is no module: a path by itself, all else by its class."""
    return str(given) if isinstance(given, str | PurePath) else type(given).__name__


def _remedy(given: object) -> str:
    """Return what to pass in place of something that is no module."""
    if isinstance(given, str | PurePath):
        return _BY_SUFFIX.get(PurePath(given).suffix.lower(), "pass a module, not a path")
    if isinstance(given, Mapping):
        return _WEIGHTS
    if isinstance(given, torch.export.ExportedProgram):
        return "pass the module that it was exported from"
    if isinstance(given, type):
        return f"it is a class: pass an instance, as {given.__name__}()"
    if type(given).__module__.split(".")[0] == "keras":
        return _KERAS
    if type(given).__name__ == "ModelProto":
        return "save it by onnx.save, and give the path to reds.from_onnx"
    return "pass a module, with its weights loaded"


def _inside(module: nn.Module) -> nn.Module:
    """Return the module that a wrapper holds, or the module itself if it is no wrapper."""
    while True:
        if isinstance(module, DataParallel | DistributedDataParallel | AveragedModel):
            module = module.module
        elif isinstance(original := getattr(module, "_orig_mod", None), nn.Module):  # torch.compile
            module = original
        else:
            return module


def _check_parts(module: nn.Module, kind: str) -> None:
    """Raise `NotElasticError` if a part is compiled, sharded or quantized, or holds a computed tensor."""
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            what = f"{path} is a ScriptModule" if path else "it is a ScriptModule"
            remedy = "pass the nn.Module that it was compiled from"
            raise NotElasticError(f"{kind}: {what}, whose operations cannot be traced: {remedy}")
        if any(each.__module__.startswith("torch.distributed.fsdp") for each in type(part).__mro__):
            what = f"{path} ({type(part).__name__})" if path else "it"
            remedy = "load its full state dict into a plain module, and pass that"
            raise NotElasticError(f"{kind}: {what} is sharded over processes: {remedy}")
        if type(part).__module__.startswith("torch.ao."):
            what = f"{path} ({type(part).__name__})" if path else "it"
            remedy = "pass the float module, as it was before `prepare`"
            raise NotElasticError(f"{kind}: {what} belongs to torch's own quantization: {remedy}")
        for name, value in vars(part).items():
            if isinstance(value, Tensor) and not value.is_leaf:
                where = f"{path}.{name}".lstrip(".")
                remedy = "delete it, or end an old weight norm or a pruning with torch.nn.utils."
                remedy += "remove_weight_norm or torch.nn.utils.prune.remove"
                raise NotElasticError(f"{kind}: {where} is computed and cannot be copied: {remedy}")


def _check_kind_of_values(kind: str, where: str, values: Tensor) -> None:
    """Raise `NotElasticError` unless a weight or a buffer holds real numbers, one for each of its places."""
    if isinstance(values, nn.parameter.UninitializedParameter | nn.parameter.UninitializedBuffer):
        raise NotElasticError(f"{kind}: {where} has no values yet: run the module once")
    if values.is_meta:
        raise NotElasticError(f"{kind}: {where} has no values on the device meta: load its weights")
    if values.layout is not torch.strided:
        raise NotElasticError(f"{kind}: {where} is sparse ({values.layout}): replace it by its to_dense()")
    if type(values).__module__.startswith("torch.distributed"):
        raise NotElasticError(
            f"{kind}: {where} is a {type(values).__name__}: replace it by its full_tensor()"
        )
    if values.is_complex():
        raise NotElasticError(f"{kind}: {where} holds complex numbers: layers with real weights are needed")


def _uncopyable(module: nn.Module) -> str:
    """Return the path of the first attribute that cannot be copied, or `it` if none fails alone."""
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            try:
                deepcopy(None if name == "_modules" else value)
            except Exception:  # as above
                return f"{path}.{name}".lstrip(".")
    return "it"


def _check_finite(module: nn.Module, kind: str) -> None:
    """Raise `NotElasticError` if a weight or a norm's statistic is not finite, or a variance is negative."""
    of_norms = [
        (f"{path}.{name}".lstrip("."), values)
        for path, part in module.named_modules()
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
        for name, values in part.named_buffers()
    ]
    for where, values in [*module.named_parameters(), *of_norms]:
        if bad := int((~values.isfinite()).sum()):
            found = f"{where} has {bad:,} of {values.numel():,} values that are not finite in float32"
            remedy = "load a checkpoint from before the training diverged or overflowed"
            raise NotElasticError(f"{kind}: {found}: {remedy}")
        if where.split(".")[-1] == "running_var" and bool((values < 0).any()):
            found = f"{where} has a negative variance, {values.min():g}"
            raise NotElasticError(f"{kind}: {found}: load another checkpoint, or run the norm on data again")
