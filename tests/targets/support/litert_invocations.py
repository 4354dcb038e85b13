"""Run `.tflite` files in LiteRT, with a system call as a mark before each part and after the last.

This file runs in an emulated Python, which has `ai-edge-litert` and nothing of this project. The parts are 2
calls that do nothing, 4 such calls, 2 inferences, and 4.
"""

import os
import sys
from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    """Run each file that the command line names."""
    print(version("ai-edge-litert"))
    for file in sys.argv[1:]:
        net = Interpreter(model_path=file, num_threads=1)
        net.allocate_tensors()
        first = net.get_input_details()[0]
        x = np.random.default_rng(0).integers(-127, 128, first["shape"])
        net.set_tensor(first["index"], x.astype(first["dtype"]))
        net.invoke()
        for call in (net.reset_all_variables, net.invoke):
            for times in (2, 4):
                os.getppid()
                for _ in range(times):
                    call()
        os.getppid()


if __name__ == "__main__":
    main()
