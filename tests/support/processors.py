"""Cap what the libraries take of this processor: `python -m tests.support.processors avx2 COMMAND...`.

torch, oneDNN (tensorflow's as well) and MKL choose their kernels by the instruction sets there are. A fault
may live on another kind of processor alone.
"""

import os
import sys

CAPS = {
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
    "baseline": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
}
"""The variables of a process that takes no more, by the name of what it takes."""


def main() -> None:
    """Become the command, capped."""
    name, *command = sys.argv[1:]
    if name not in CAPS:
        sys.exit(f"no processor {name!r}; there are {', '.join(CAPS)}")
    os.execvpe(command[0], command, {**os.environ, **CAPS[name]})


if __name__ == "__main__":
    main()
