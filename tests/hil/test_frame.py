from hypothesis import given
from hypothesis import strategies as st

from hil.errors import FrameError
from hil.protocol.frame import Frame, Reader, decode, encode

bytes_u8 = st.integers(0, 255)
frames = st.builds(Frame, bytes_u8, bytes_u8, st.binary(max_size=600))


def drain(reader: Reader) -> tuple[list[Frame], int]:
    """Return the frames of a reader, and the number of damaged ones."""
    found, damaged = [], 0
    while True:
        try:
            frame = reader.next()
        except FrameError:
            damaged += 1
            continue
        if frame is None:
            return found, damaged
        found.append(frame)


@given(frames)
def test_decoding_an_encoded_frame_returns_it(frame: Frame) -> None:
    raw = encode(frame)
    assert raw.index(0) == len(raw) - 1
    assert decode(raw[:-1]) == frame


@given(st.lists(frames, max_size=5), st.data())
def test_frames_are_found_however_the_bytes_are_cut(sent: list[Frame], data: st.DataObject) -> None:
    raw = b"".join(encode(frame) for frame in sent)
    reader, found = Reader(), []
    while raw:
        cut = data.draw(st.integers(1, len(raw)))
        reader.feed(raw[:cut])
        raw = raw[cut:]
        found += drain(reader)[0]
    assert found == sent


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_frame_error(raw: bytes) -> None:
    reader = Reader()
    reader.feed(raw + b"\0")
    drain(reader)


@given(frames, st.data())
def test_flipped_bit_is_detected(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * (len(raw) - 1) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    reader = Reader()
    reader.feed(bytes(raw))
    found, damaged = drain(reader)
    assert damaged or not found
    assert frame not in found


@given(st.binary(min_size=1, max_size=300), frames)
def test_reader_recovers_at_the_next_zero(noise: bytes, frame: Frame) -> None:
    reader = Reader()
    reader.feed(noise + b"\0" + encode(frame))
    assert drain(reader)[0][-1] == frame


@given(st.integers(0, 20_000), frames)
def test_frame_without_an_end_is_reported_once_and_dropped(length: int, frame: Frame) -> None:
    reader, damaged = Reader(largest=1000), 0
    for _ in range(length // 100):
        reader.feed(b"\x01" * 100)
        damaged += drain(reader)[1]
        assert len(reader._held) <= 1100
    assert damaged == (length // 100 * 100 > 1000)
    reader.feed(b"\0" + encode(frame))
    assert drain(reader)[0] == [frame]
