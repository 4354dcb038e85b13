"""Name a node of a traced graph in the user's words, and reject it by that name."""

from typing import NoReturn

from torch import fx, nn

from reds.errors import NotElasticError


def user_name(node: fx.Node, root: nn.Module) -> str:
    """Return a submodule's path and class, or a call and the submodule that makes it.

    The nodes of an ONNX file have names of their own.
    """
    if "name" in node.meta:
        return str(node.meta["name"])
    if node.op == "call_module":
        return f"{node.target} ({type(root.get_submodule(str(node.target))).__name__})"
    inside = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    return f"{node.name} in {inside[-1]}" if inside else node.name


def reject(node: fx.Node, root: nn.Module, reason: str, remedy: str) -> NoReturn:
    """Raise `NotElasticError` for a node.

    Args:
        node: The node, whose place the error names.
        root: The module that was traced.
        reason: What is wrong with it, as a verb and its object.
        remedy: What to do instead.
    """
    raise NotElasticError(f"{user_name(node, root)} {reason}: {remedy}")
