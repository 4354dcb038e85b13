"""Find the other runtimes installed on this machine, to time them in turn with this project's."""

from collections.abc import Callable
from contextlib import ExitStack

from hil.kernels.desktop import Peer
from hil.kernels.litert import litert
from hil.kernels.torch_eager import eager


def installed(stack: ExitStack, cpu: str = "") -> tuple[list[Peer], list[str]]:
    """Return the installed runtimes, which the stack stops, and how to install each missing one.

    Args:
        stack: Stops the runtimes.
        cpu: `avx2` for those alone that can run without AVX-512; empty for all.
    """
    peers: list[Peer] = []
    lacking: list[str] = []
    known: tuple[tuple[str, Callable[[], Peer], str], ...] = (
        ("LiteRT", lambda: stack.enter_context(litert(cpu)), "tflite"),
        ("torch", eager, "train"),
    )[: 1 if cpu else None]
    for name, peer, extra in known:
        try:
            peers.append(peer())
        except ModuleNotFoundError as error:
            lacking.append(f"no {name} beside ours: {error}; pip install 'reds-hil[{extra}]'")
    return peers, lacking
