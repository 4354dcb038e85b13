"""Run LiteRT in the Python of a board for `litert.py`; this file runs there and needs `ai-edge-litert` only.

Each line of input is a request in JSON, each line of output its answer. `us` are microseconds, one for each
inference or load; `ram` is the memory that the first load and inference took, in bytes; `outputs` is how many
values the net answers; `classes` are answers to examples; `refused` says why LiteRT takes no such file or
examples. With the argument `avx2` the nets run without the instructions of AVX-512.
"""

import base64
import ctypes
import json
import os
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

_ASKS, _AVX_ONLY = b"\x31\xc9\x0f\x01\xd0", b"\xb8\x06\x00\x00\x00"
"""xor ecx, ecx; xgetbv: which registers the system keeps. mov eax, 6: none but those of SSE and AVX."""


def hide_avx512() -> bool:
    """Let the loaded LiteRT find a processor without AVX-512, and return whether it can be.

    XNNPACK has no setting for this. It chooses its kernels when the first net is loaded.
    """
    places, libc = [], ctypes.CDLL(None)
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, access, *rest = line.split()
            if "x" in access and "ai_edge_litert" in rest[-1]:
                start, end = (int(address, 16) for address in span.split("-"))
                code = ctypes.string_at(start, end - start)
                places += [start + found.start() for found in re.finditer(re.escape(_ASKS), code)]
    page = os.sysconf("SC_PAGE_SIZE")
    for at in places:
        pages = ctypes.c_void_p(at // page * page), ctypes.c_size_t(2 * page)
        if libc.mprotect(*pages, 7) != 0:
            return False
        ctypes.memmove(at, _AVX_ONLY, len(_AVX_ONLY))
        libc.mprotect(*pages, 5)
    return bool(places)


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


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def answers(net: Any, x: Any, np: Any) -> list[int]:
    """Return the class of each example; floating-point features are quantized as the net's input says.

    Raises `ValueError` for examples of another shape, unless they are flat, and for integers of another type.
    """
    first, last = net.get_input_details()[0], net.get_output_details()[0]
    (scale, zero), reads = first["quantization"], np.dtype(first["dtype"])
    wanted, given = ([int(n) for n in shape if n != 1] for shape in (first["shape"], x.shape[1:]))
    if given not in (wanted, [int(np.prod(first["shape"]))]):
        raise ValueError(f"x is {list(x.shape)}, the net reads {list(map(int, first['shape']))}")
    if x.dtype != reads:
        if x.dtype.kind != "f" and reads.kind != "f":
            raise ValueError(f"x is {x.dtype}, the net reads {reads}: save it as that, or as float features")
        if scale:
            limits = np.iinfo(reads)
            x = np.clip(np.round(x / scale + zero), limits.min, limits.max)
        x = x.astype(reads)
    found = []
    for each in x:
        net.set_tensor(first["index"], each.reshape(first["shape"]))
        net.invoke()
        found.append(int(net.get_tensor(last["index"]).reshape(-1).argmax()))
    return found


def main() -> None:
    """Answer requests until the input ends."""
    try:
        import numpy as np
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        print(json.dumps({"lacks": str(error)}), flush=True)
        return
    if "avx2" in sys.argv[1:] and not hide_avx512():
        print(json.dumps({"lacks": "this build of it cannot be held to AVX2"}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    net, nothing = None, 0.0
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            if "content" in asked:
                content, before = base64.b64decode(asked["content"]), resident()
                net = loaded(Interpreter, content)
                first = net.get_input_details()[0]
                x = np.random.default_rng(0).integers(-127, 128, first["shape"]).astype(first["dtype"])
                net.set_tensor(first["index"], x)
                net.invoke()
                answer["outputs"] = int(np.prod(net.get_output_details()[0]["shape"]))
                answer["ram"] = max(0, resident() - before)
                answer["us"] = timed(partial(loaded, Interpreter, content), asked["n"])
                nothing = sorted(timed(net.reset_all_variables, 1001))[500]
            elif "examples" in asked:
                raw = base64.b64decode(asked["examples"])
                answer["classes"] = answers(
                    net, np.frombuffer(raw, asked["dtype"]).reshape(asked["shape"]), np
                )
            else:
                assert net is not None
                answer["us"] = [each - nothing for each in timed(net.invoke, asked["n"])]
        except (ValueError, RuntimeError) as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
