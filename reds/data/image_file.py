"""One picture file as pixels."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from reds.data.images import Pixels
from reds.errors import DataError

GRAY = ("1", "L", "LA")
COLORED = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
"""Pillow's names for what 8 bits a channel hold; of more bits it would drop some."""


def decode(data: bytes, name: str) -> Pixels:
    """Pixels uint8 [rows, columns, 1 or 3] of a picture's bytes, without transparency.

    Raises `DataError`, which calls the picture `name`.
    """
    try:
        image = Image.open(io.BytesIO(data))
        if image.mode not in GRAY + COLORED:
            raise DataError(f"{name}: has pixels of kind {image.mode}; save it with 8 bits a channel")
        pixels = np.asarray(image.convert("L" if image.mode in GRAY else "RGB"))
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{name}: is no picture; replace or remove it") from None
    except Exception as error:  # damaged bytes raise whatever the format's decoder stumbles over
        raise DataError(f"{name}: cannot be read: {error}; replace or remove it") from error
    return pixels.reshape(*pixels.shape[:2], -1)
