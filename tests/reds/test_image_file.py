"""Image files are read as viewers show them, and those of which a part would be lost are refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from reds.data.image_file import decode
from reds.errors import DataError

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
OTHER = Image.fromarray(PIXELS[::-1].copy())


def encoded(kind: str, pixels: np.ndarray = PIXELS, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def png(depth: int, color: int, channels: int) -> bytes:
    """A PNG of 4 x 4 pixels that Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + b"\x12\x34" * (4 * channels * depth // 16)
    header = struct.pack(">IIBBBBB", 4, 4, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * 4)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(bits: int) -> bytes:
    """A TIFF of 2 x 2 colored pixels, little-endian and not compressed."""
    data = b"\x12\x34" * (2 * 2 * 3 * bits // 16)
    depths = 8 + 2 + 12 * 9 + 4
    tags = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, depths), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, depths + 6), (277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 1, len(data))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, 9) + entries + bytes(4) + struct.pack("<HHH", *[bits] * 3) + data


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_pixels_are_turned_as_the_exif_orientation_says(kind: str, orientation: int) -> None:
    tags = Image.Exif()
    tags[0x112] = orientation
    data = encoded(kind, exif=tags, **({"lossless": True} if kind == "WEBP" else {}))
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    turned = {1: PIXELS, 3: PIXELS[::-1, ::-1], 6: PIXELS[::-1].swapaxes(0, 1)}
    np.testing.assert_array_equal(decode(data, "a"), turned.get(orientation, np.asarray(shown)))


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (png(16, 2, 3), 16),
        (png(16, 6, 4), 16),
        (png(16, 4, 2), 16),
        (tiff(16), 16),
        (b"P6 2 2 65535\n" + bytes(24), 16),
        (b"P6 2 2 1023\n" + bytes(24), 10),
        (b"P3 1 1 65535\n 1 2 40000\n", 16),
    ],
)
def test_more_than_8_bits_a_channel_are_refused(data: bytes, bits: int) -> None:
    with pytest.raises(DataError, match=rf"^a\.png: has {bits} bits"):
        decode(data, "a.png")


def test_a_jpeg_2000_stream_of_16_bits_is_refused() -> None:
    stream = bytearray(encoded("JPEG2000"))
    depth = stream.index(b"\xff\x4f\xff\x51") + 42
    assert [stream[depth + 3 * i] for i in range(3)] == [7, 7, 7]
    decode(bytes(stream), "a.jp2")
    stream[depth] = 15
    with pytest.raises(DataError, match=r"^a\.jp2: has (16 bits|pixels of kind)"):
        decode(bytes(stream), "a.jp2")


@pytest.mark.parametrize(
    "data", [png(8, 2, 3), tiff(8), b"P6 2 2 255\n" + bytes(12), b"P6 2 2 100\n" + bytes(12)]
)
def test_8_bits_a_channel_are_read(data: bytes) -> None:
    assert decode(data, "a").dtype == np.uint8


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_several_pictures_in_a_file_are_refused(kind: str) -> None:
    with pytest.raises(DataError, match=r"^a: holds 2 pictures"):
        decode(encoded(kind, save_all=True, append_images=[OTHER]), "a")


def test_the_picture_of_a_camera_file_is_read() -> None:
    data = encoded("MPO", np.full((16, 16, 3), 200, np.uint8), save_all=True, append_images=[OTHER])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert abs(decode(data, "a").astype(int) - 200).max() < 4


def paletted(**options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS[..., 0] % 4).convert("P").save(out, "PNG", **options)
    return out.getvalue()


ALPHA = np.full((4, 6, 1), 255, np.uint8)
HOLE = ALPHA.copy()
HOLE[2, 3] = 254


@pytest.mark.parametrize(
    "data",
    [
        encoded("PNG", np.dstack([PIXELS, HOLE])),
        encoded("PNG", np.dstack([PIXELS[..., :1], HOLE])),
        encoded("WEBP", np.dstack([PIXELS, HOLE]), lossless=True),
        encoded("PNG", PIXELS, transparency=(0, 1, 2)),
        encoded("PNG", PIXELS[..., 0].copy(), transparency=0),
        paletted(transparency=0),
    ],
)
def test_a_transparent_pixel_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^a\.png: has transparent pixels"):
        decode(data, "a.png")


def test_an_alpha_channel_of_opaque_pixels_changes_nothing() -> None:
    np.testing.assert_array_equal(decode(encoded("PNG", np.dstack([PIXELS, ALPHA])), "a"), PIXELS)
    np.testing.assert_array_equal(
        decode(encoded("PNG", np.dstack([PIXELS[..., :1], ALPHA])), "a"), PIXELS[..., :1]
    )
    assert decode(paletted(transparency=9), "a").shape == (4, 6, 3)
