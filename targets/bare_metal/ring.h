/* The board's end of a mailbox, hil/emulators/mailbox.py: a ring in memory that it shares with the host, with
 * counters of the bytes written and read so far, modulo 2^32, before its data. */
#ifndef REDS_RING_H
#define REDS_RING_H

#include <stddef.h>
#include <stdint.h>

enum { RING_AT = 0x1000, RING_BYTES = 1 << 15 };

typedef volatile struct {
    uint32_t written, read;
    uint8_t data[RING_BYTES];
} ring;

/* Take at most `max` bytes that arrived, which may be none. */
static inline size_t ring_take(ring *r, uint8_t *bytes, size_t max)
{
    uint32_t read = r->read, count = r->written - read;
    if (count > max) {
        count = (uint32_t)max;
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = r->data[(read + i) % RING_BYTES];
    }
    r->read = read + count;
    return count;
}

#endif
