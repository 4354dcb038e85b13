"""Find the other runtimes installed on this machine, to time them in turn with this project's."""

from collections.abc import Callable
from contextlib import ExitStack

from hil.kernels.desktop import Peer
from hil.kernels.litert import litert
from hil.kernels.torch_eager import eager


def installed(stack: ExitStack) -> tuple[list[Peer], list[str]]:
    """Return the installed runtimes, which the stack stops, and how to install each missing one."""
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
