"""Make norms, scales and activations the end of the step before.

Nothing else may read the value between.
"""

from collections import Counter
from math import inf

from reds.elastic.from_module.resolution import in_order
from reds.elastic.from_module.steps import Norm, Step
from reds.graph.parts import Activation

WEIGHTED = frozenset({"dense", "conv", "depthwise", "transposed"})
"""Steps with weights for which a batch norm may follow."""
COPYING = frozenset({"first", "flatten", "reshape", "transpose", "upsample", "pool"})
"""Steps that copy values; of pools those of the maximum."""
_ENDING = WEIGHTED | {
    "norm",
    "affine",
    "add",
    "multiply",
    "concat",
    "prelu",
    "layer_norm",
    "attention",
    "embed",
    "pool",
}
"""Steps that may end in a ReLU."""


def absorbed(end: Step) -> Step:
    """Make norms, scales, ReLUs and activations the end of the step before, where they can be.

    Args:
        end: The last step.

    Returns:
        The last step, which may be another one.
    """
    order, stands = in_order(end), dict[Step, Step]()
    readers = Counter(each for step in order for each in step.inputs)
    readers[end] += 1
    for step in order:
        step.inputs = [stands.get(each, each) for each in step.inputs]
        if len(step.inputs) != 1:
            continue
        before = step.inputs[0]
        if readers[before] == 1 and _takes(before, step, readers):
            stands[step] = before
            readers[before] = readers[step]
    return stands.get(end, end)


def _takes(before: Step, step: Step, readers: Counter[Step]) -> bool:
    """Make a step the end of the one before, and return whether it is."""
    match step.op:
        case "norm":
            if before.op not in WEIGHTED or before.norm or _ended(before):
                return False
            before.norm = step.norm
            return True
        case "affine":
            return not _ended(before) and _scales(before, step)
        case "embed":
            if before.op != "embed" or step.options["front"] or _ended(before):
                return False
            assert before.weight is not None
            assert step.weight is not None
            before.weight = before.weight + step.weight
            return True
        case "relu":
            return _limits(before, step.ceiling, readers)
        case "activation":
            copying = before.op in COPYING and before.activation is None
            if _ended(before) or not (before.op in _ENDING or copying):
                return False
            before.activation = step.activation
            return True
    return False


def _ended(step: Step) -> bool:
    return step.relu or step.activation is not None or step.op == "relu"


def _scales(before: Step, step: Step) -> bool:
    """Scale and shift the units of the step before by its own parameters, and return whether it has any."""
    gain, offset = step.weight, step.bias
    assert gain is not None
    assert offset is not None
    if before.op == "embed" and bool((gain == 1).all()):
        assert before.weight is not None
        before.weight = before.weight + offset[:, None]
        return True
    if before.norm is not None:
        old = before.norm
        before.norm = Norm(old.mean, old.variance, old.gain * gain, old.offset * gain + offset, old.eps)
        return True
    if before.op not in WEIGHTED | {"layer_norm", "affine"}:
        return False
    assert before.weight is not None
    before.weight = before.weight * gain.reshape(-1, *[1] * (before.weight.ndim - 1))
    before.bias = offset.clone() if before.bias is None else before.bias * gain + offset
    return True


def _limits(before: Step, ceiling: float, readers: Counter[Step]) -> bool:
    """Let a ReLU follow the step before, or one that it copies, and return whether it can."""
    step = before
    while True:
        copies = step.op in COPYING and not (step.op == "pool" and step.options["kind"].name != "MAX_POOL")
        if step.activation is not None or readers[step] != 1:
            break
        if step.op in _ENDING and not copies:
            step.ceiling = min(ceiling, step.ceiling)
            step.relu = True
            return True
        if not copies:
            break
        step = step.inputs[0]
    if before.op in COPYING and before.activation is None and ceiling == inf:
        before.activation = Activation("relu")
        return True
    return False
