/* The copy of an input with its padding, which fast kernels read. */
#include "portable.h"

/* Copy the units of a position. */
static void copy(int8_t *to, const int8_t *from, uint32_t n)
{
    if (n >= 16) {
        for (uint32_t i = 0; i < n - 16; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16); /* may write some bytes twice */
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
    }
}

/* Write positions of the padding, and return their end. */
static int8_t *outside(const reds_op *op, int8_t *to, uint32_t positions, uint32_t pitch, int32_t value)
{
    memset(to, value, (size_t)positions * pitch);
    for (uint32_t i = 0; i < positions && pitch > op->units_in; i++) {
        memset(to + i * pitch + op->units_in, 0, pitch - op->units_in);
    }
    return to + (size_t)positions * pitch;
}

/* Write a position of the input eight bytes at a time. May read and write some bytes past it. */
static void spread(int8_t *to, const int8_t *from, uint32_t units, uint32_t pitch)
{
    for (uint32_t i = 0; i < pitch; i += 8) {
        uint64_t word = 0;
        if (i < units) {
            memcpy(&word, from + i, 8);
            word = i + 8 > units ? word & (UINT64_MAX >> 8 * (i + 8 - units)) : word;
        }
        memcpy(to + i, &word, 8);
    }
}

/* Write positions of the input, and return their end. The last one is written exactly. */
static int8_t *inside(const reds_op *op, int8_t *to, const int8_t *from, uint32_t pitch)
{
    uint32_t units = op->units_in, width = op->from->width;
    const int8_t *end = op->in + reds_positions(op->from) * (size_t)units;
    if (pitch == units) {
        copy(to, from, width * units);
        return to + width * units;
    }
    for (uint32_t i = 0; i < width; i++, to += pitch, from += units) {
        if (i + 7 < width && (size_t)(end - from) >= units + 7u) {
            spread(to, from, units, pitch);
            continue;
        }
        for (uint32_t unit = units; unit < pitch; unit++) {
            to[unit] = 0;
        }
        copy(to, from, units);
    }
    return to;
}

void reds_copy_input(const reds_op *op, uint32_t pitch, int32_t value)
{
    const uint8_t *padding = op->layer->padding;
    uint32_t width = op->from->width, line = padding[1] + width + padding[3];
    int8_t *to = outside(op, op->scratch, padding[0] * line, pitch, value);
    const int8_t *from = op->in;
    for (uint32_t y = 0; y < op->from->height; y++, from += width * op->units_in) {
        to = outside(op, to, padding[1], pitch, value);
        to = inside(op, to, from, pitch);
        to = outside(op, to, padding[3], pitch, value);
    }
    outside(op, to, padding[2] * line, pitch, value);
}
