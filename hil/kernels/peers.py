"""The other runtimes that are timed on this machine beside ours, where they are installed."""

from collections.abc import Callable
from contextlib import ExitStack

from hil.kernels.desktop import Peer
from hil.kernels.litert import litert
from hil.kernels.torch_eager import eager


def installed(stack: ExitStack) -> tuple[list[Peer], list[str]]:
    """Return the peers, which end with the stack, and a line for each missing one: how to install it."""
    peers: list[Peer] = []
    lacking: list[str] = []
    known: tuple[tuple[str, Callable[[], Peer], str], ...] = (
        ("LiteRT", lambda: stack.enter_context(litert()), "tflite"),
        ("torch", eager, "train"),
    )
    for name, peer, extra in known:
        try:
            peers.append(peer())
        except ModuleNotFoundError as error:
            lacking.append(f"no {name} beside ours: {error}; pip install 'reds-hil[{extra}]'")
    return peers, lacking
