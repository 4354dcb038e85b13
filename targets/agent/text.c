#include "text.h"

static bool printable(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

text_status text_read(text_reader *reader, uint8_t byte)
{
    bool line_end = byte == '\r' || byte == '\n'; /* a person's terminal may send them between two commands */
    uint32_t size = reader->size;
    bool blank = size == 1 && (reader->bytes[0] == '\r' || reader->bytes[0] == '\n');
    if (byte == 0) {
        reader->size = 0;
        reader->frame = false;
        return TEXT_MORE;
    }
    if (!reader->frame && line_end && blank) {
        return TEXT_MORE;
    }
    if (reader->frame || !(printable(byte) || (line_end && size == 0))) {
        reader->frame = true;
        return TEXT_MORE;
    }
    if (byte == '%' && size > 0 && !blank) {
        reader->size = 0;
        reader->bytes[size < TEXT_BYTES ? size : TEXT_BYTES] = 0;
        return size <= TEXT_BYTES ? TEXT_READY : TEXT_TOO_LONG;
    }
    if (size < TEXT_BYTES) {
        reader->bytes[size] = (char)byte;
    }
    reader->size += size <= TEXT_BYTES;
    return TEXT_MORE;
}
