#include "frame.h"

#include <string.h>

#include "../runtime/crc32.h"
#include "port.h"

static uint32_t get_crc(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put(frame_reader *reader, uint8_t byte)
{
    if (reader->size == FRAME_BYTES) {
        reader->broken = 1;
    } else {
        ((uint8_t *)reader->bytes)[reader->size++] = byte;
    }
}

void frame_drop(frame_reader *reader)
{
    reader->size = 0;
    reader->left = reader->code = reader->broken = 0;
}

static frame_status finish(frame_reader *reader, frame *out)
{
    uint8_t *bytes = (uint8_t *)reader->bytes;
    uint32_t size = reader->size;
    bool empty = size == 0 && reader->code == 0;
    bool whole = !reader->broken && reader->left == 0 && size >= PROTOCOL_OVERHEAD &&
                 reds_crc32(0, bytes, size - PROTOCOL_CHECKSUM_BYTES) ==
                     get_crc(bytes + size - PROTOCOL_CHECKSUM_BYTES);
    frame_drop(reader);
    if (whole) {
        *out = (frame){
            .command = bytes[PROTOCOL_FRAME_HEAD_COMMAND_AT],
            .sequence = bytes[PROTOCOL_FRAME_HEAD_SEQUENCE_AT],
            .size = size - PROTOCOL_OVERHEAD,
            .payload = bytes + PROTOCOL_FRAME_HEAD_BYTES,
        };
        return FRAME_READY;
    }
    return empty ? FRAME_MORE : FRAME_BAD; /* zero bytes between frames are ignored */
}

frame_status frame_read(frame_reader *reader, uint8_t byte, frame *out)
{
    if (byte == 0) {
        return finish(reader, out);
    }
    if (reader->left > 0) {
        reader->left--;
        put(reader, byte);
    } else {
        if (reader->code != 0 && reader->code != 0xff) {
            put(reader, 0); /* the zero that ended the last block */
        }
        reader->code = byte;
        reader->left = (uint8_t)(byte - 1);
    }
    return FRAME_MORE;
}

/* Send bytes as COBS: each run of at most 254 bytes without a zero follows its length + 1. */
static void encode(const uint8_t *bytes, uint32_t size)
{
    uint8_t block[255];
    uint8_t used = 1;
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            block[used++] = bytes[i];
        }
        if (bytes[i] == 0 || used == 255) {
            block[0] = used;
            port_write(block, used);
            used = 1;
        }
    }
    block[0] = used;
    port_write(block, used);
}

void frame_write(uint8_t *bytes, uint8_t command, uint8_t sequence, uint32_t size)
{
    static const uint8_t end = 0;
    bytes[PROTOCOL_FRAME_HEAD_COMMAND_AT] = command;
    bytes[PROTOCOL_FRAME_HEAD_SEQUENCE_AT] = sequence;
    size += PROTOCOL_FRAME_HEAD_BYTES;
    uint32_t crc = reds_crc32(0, bytes, size);
    for (uint32_t i = 0; i < PROTOCOL_CHECKSUM_BYTES; i++) {
        bytes[size + i] = (uint8_t)(crc >> (8 * i));
    }
    encode(bytes, size + PROTOCOL_CHECKSUM_BYTES);
    port_write(&end, 1);
}
