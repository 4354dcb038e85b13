"""Decode one image file to pixels, or refuse it with the file's name and a remedy."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from reds.data.images import Pixels
from reds.errors import DataError
from reds.reading import reason

GRAY = ("1", "L", "LA")
COLORED = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
"""Pillow's modes with 8 bits per channel; from modes with more bits it would drop some."""


def decode(data: bytes, name: str) -> Pixels:
    """Return the pixels uint8 [rows, columns, 1 or 3] of an encoded image, without transparency.

    Raises `DataError`, which calls the image `name`.
    """
    try:
        image = Image.open(io.BytesIO(data))
        if image.mode not in GRAY + COLORED:
            raise DataError(f"{name}: has pixels of kind {image.mode}; save it with 8 bits a channel")
        pixels = np.asarray(image.convert("L" if image.mode in GRAY else "RGB"))
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{name}: is no image; replace or remove it") from None
    except Exception as error:  # damaged bytes make every format's decoder raise errors of its own
        raise DataError(f"{name}: cannot be read: {reason(error)}; replace or remove it") from error
    return pixels.reshape(*pixels.shape[:2], -1)
