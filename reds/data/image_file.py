"""Decode one image file to pixels, or refuse it with the file's name and a remedy."""

import io

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from reds.data.images import Pixels
from reds.errors import DataError
from reds.reading import reason

GRAY = ("1", "L", "LA")
COLORED = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
"""Pillow's modes with 8 bits per channel; from modes with more bits it would drop some."""
JPEG2000_SIZE, JPEG2000_DEPTH = b"\xff\x4f\xff\x51", 42
"""First markers of a JPEG 2000 stream, and where the depth stands after them (ISO/IEC 15444-1, A.5.1)."""


def decode(data: bytes, name: str) -> Pixels:
    """Return the pixels of an encoded image, as `pixels_of` does. Raises `DataError`."""
    try:
        image = Image.open(io.BytesIO(data))
        if image.mode in GRAY + COLORED and (bits := _bits(image, data)) > 8:
            raise DataError(f"{name}: has {bits} bits a channel; save it with 8 bits a channel")
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{name}: is no image; replace or remove it") from None
    except Exception as error:  # damaged bytes make every format's decoder raise errors of its own
        raise DataError(f"{name}: cannot be read: {reason(error)}; replace or remove it") from error
    return pixels_of(image, name)


def pixels_of(image: Image.Image, name: str) -> Pixels:
    """Return the pixels uint8 [rows, columns, 1 or 3] of an image.

    The image is turned as its EXIF orientation says, as viewers show it.

    Raises `DataError`, which calls the image `name`.
    """
    if image.mode not in GRAY + COLORED:
        raise DataError(f"{name}: has pixels of kind {image.mode}; save it with 8 bits a channel")
    try:
        # A camera's MPO holds the picture and previews of it.
        frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
        if frames == 1:
            turned = ImageOps.exif_transpose(image)
            if _is_transparent(turned):
                raise DataError(
                    f"{name}: has transparent pixels, whose color depends on the background; save it on one"
                )
            pixels = np.asarray(turned.convert("L" if image.mode in GRAY else "RGB"))
            return pixels.reshape(*pixels.shape[:2], -1)
    except DataError:
        raise
    except Exception as error:  # of each format's decoder, on damaged bytes
        raise DataError(f"{name}: cannot be read: {reason(error)}; replace or remove it") from error
    raise DataError(f"{name}: holds {frames} pictures; save each in a file of its own")


def _is_transparent(image: Image.Image) -> bool:
    """Return whether a background shows through a pixel. Many pictures have an alpha channel and none."""
    if not image.has_transparency_data:
        return False
    least, _ = image.convert("RGBA").getchannel("A").getextrema()
    return least != 255


def _bits(image: ImageFile.ImageFile, data: bytes) -> int:
    """Return the bits of a channel in the file. Pillow silently reduces some images of more than 8 to 8."""
    codec = image.tile[0].args if image.tile else ""
    raw, *others = codec if isinstance(codec, tuple) else (codec,)
    if image.format == "PPM" and others:
        return int(others[0]).bit_length()
    if image.format == "JPEG2000" and (at := data.find(JPEG2000_SIZE)) >= 0:
        return (data[at + JPEG2000_DEPTH] & 0x7F) + 1
    return 16 if ";16" in str(raw) else 8
