"""Take arrays as users have them: of numpy, of torch, of other libraries, or nested lists."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.reading import reason


def array_of(x: Any) -> NDArray[Any]:
    """Return an array, a tensor or nested lists as a numpy array.

    Raises:
        ValueError: It is none of these, or some of its values are masked; the text says which, and a remedy.
    """
    kind = type(x).__name__
    if np.ma.is_masked(x):
        masked = int(np.ma.getmaskarray(x).sum())
        raise ValueError(f"{kind} masks {masked:,} of {x.size:,} values: fill them in, or leave them out")
    try:
        if hasattr(x, "detach"):  # a tensor
            x = x.detach().cpu().resolve_conj().resolve_neg()
            return np.asarray((x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy())
        return np.asarray(x)
    except Exception as error:  # of the array's library, of any kind
        raise ValueError(f"{kind} is no array: {reason(error)}") from error
