"""LiteRT as a peer: the same integer network as ours, one thread, XNNPACK on.

An inference is timed around `invoke`, less what a call that does nothing takes, as ours is timed less the
reading of the clock.
"""

from importlib import import_module
from statistics import median
from typing import Any

import numpy as np

from hil.kernels.desktop import Peer, Timer, timed
from reds import tflite
from reds.chain import Chain, Widths
from reds.tflite.graph import schema
from reds.untrained import untrained

LOADS = 21
SEED = 1
"""Of the weights. With others an average may have a bias that TFLite's own cannot, and be a slower op."""


def litert() -> Peer:
    """Raises `ModuleNotFoundError` without tensorflow, which writes the networks, or ai-edge-litert."""
    schema()
    interpreter = import_module("ai_edge_litert.interpreter").Interpreter
    made: dict[tuple[Chain, Widths], bytes] = {}

    def flatbuffer(chain: Chain, widths: Widths) -> bytes:
        if (chain, widths) not in made:
            made[chain, widths] = tflite.dumps(untrained("peer", chain, {"peer": widths}, SEED), 0)
        return made[chain, widths]

    def load(content: bytes) -> Any:
        net = interpreter(model_content=content, num_threads=1)
        net.allocate_tensors()
        return net

    def timer(chain: Chain, widths: Widths) -> Timer:
        net = load(flatbuffer(chain, widths))
        shape = net.get_input_details()[0]
        x = np.random.default_rng(0).integers(-127, 128, shape["shape"]).astype(np.int8)
        net.set_tensor(shape["index"], x)
        nothing = median(timed(net.reset_all_variables, 1000))
        return lambda n: [us - nothing for us in timed(net.invoke, n)]

    def loading(chain: Chain, widths: Widths) -> float:
        content = flatbuffer(chain, widths)
        return median(timed(lambda: load(content), LOADS))

    return Peer("LiteRT int8", timer, loading)
