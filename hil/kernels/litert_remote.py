"""Run LiteRT in the Python of a board for `litert.py`; this file runs there and needs `ai-edge-litert` only.

Each line of input is a request in JSON, each line of output its answer. `us` are microseconds, one for each
inference or load.
"""

import base64
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any


def timed(call: Callable[[], object], n: int) -> list[float]:
    """Return the microseconds of each of n calls."""
    now, taken = time.perf_counter_ns, []
    for _ in range(n):
        start = now()
        call()
        taken.append((now() - start) / 1000)
    return taken


def loaded(interpreter: Any, content: bytes) -> Any:
    """Return a net that is ready to run on one thread."""
    net = interpreter(model_content=content, num_threads=1)
    net.allocate_tensors()
    return net


def main() -> None:
    """Answer requests until the input ends."""
    try:
        import numpy as np
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        print(json.dumps({"lacks": str(error)}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    net, nothing = None, 0.0
    for line in sys.stdin:
        asked = json.loads(line)
        if "content" in asked:
            content = base64.b64decode(asked["content"])
            us = timed(partial(loaded, Interpreter, content), asked["n"])
            net = loaded(Interpreter, content)
            first = net.get_input_details()[0]
            x = np.random.default_rng(0).integers(-127, 128, first["shape"]).astype(np.int8)
            net.set_tensor(first["index"], x)
            nothing = sorted(timed(net.reset_all_variables, 1001))[500]
        else:
            assert net is not None
            us = [each - nothing for each in timed(net.invoke, asked["n"])]
        print(json.dumps({"us": us}), flush=True)


if __name__ == "__main__":
    main()
