from hil.protocol.definition import (
    DECIDE,
    DECISION,
    GOVERN,
    HELLO,
    MEASURE,
    MEMORY,
    MEMORY_ANSWER,
    RECORDS,
    SAMPLES,
    VERSION,
    Record,
)


def test_record_places_its_fields_in_order_without_gaps() -> None:
    record = Record(code="B", size="I", name="3s")
    assert record.offsets == {"code": 0, "size": 1, "name": 5}
    assert record.size == 8


def test_record_reads_by_name_the_fields_it_packed() -> None:
    data = SAMPLES.pack(1, 2, 70_000)
    assert data == b"\x01\x00\x02\x00\x70\x11\x01\x00"
    assert SAMPLES.read(b"xx" + data, at=2) == {"first": 1, "held": 2, "overhead": 70_000}


def test_sizes_on_the_wire_are_those_of_version_5() -> None:
    assert (VERSION, HELLO.size, MEASURE.size, MEMORY.size, MEMORY_ANSWER.size) == (5, 64, 8, 4, 8)
    assert (GOVERN.size, DECIDE.size, DECISION.size) == (40, 22, 22)
    assert list(RECORDS)[:2] == ["FRAME_HEAD", "CHECKSUM"]
