/* Copy a layer's input to its scratch in the form that x86.h describes. */

/* Copy a run of bytes as x + OFFSET. */
FAST void offset_run(uint8_t *to, const int8_t *from, size_t bytes)
{
    for (; bytes > BYTES; bytes -= BYTES, to += BYTES, from += BYTES) {
        offset_some(to, from, BYTES);
    }
    offset_some(to, from, (uint32_t)bytes);
}

/* Copy so few bytes that vectors would not pay. */
FAST void offset_few(uint8_t *to, const int8_t *from, uint32_t bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101) * OFFSET;
    uint32_t i = 0, four;
    for (; i + 16 <= bytes; i += 16) {
        __m128i x = _mm_loadu_si128((const void *)(from + i));
        _mm_storeu_si128((void *)(to + i), _mm_xor_si128(x, _mm_set1_epi8((char)-OFFSET)));
    }
    if (i + 8 <= bytes) {
        uint64_t eight;
        memcpy(&eight, from + i, 8);
        eight ^= each;
        memcpy(to + i, &eight, 8);
        i += 8;
    }
    if (i + 4 <= bytes) {
        memcpy(&four, from + i, 4);
        four ^= (uint32_t)each;
        memcpy(to + i, &four, 4);
        i += 4;
    }
    for (; i < bytes; i++) {
        to[i] = (uint8_t)(from[i] + OFFSET);
    }
}

/* Copy positions of `live` bytes, with `apart` bytes from one to the next in the input and `pitch` in the copy. */
FAST void copy_each(uint8_t *to, const int8_t *from, size_t apart, size_t pitch, size_t positions,
                    uint32_t live)
{
    for (; positions > 0; positions--, to += pitch, from += apart) {
        offset_few(to, from, live);
    }
}

/* Copy positions that are `apart` bytes apart in the input, with 0 in the lanes past the subnet's units. */
FAST void copy_apart(uint8_t *to, const int8_t *from, size_t apart, size_t positions,
                     const reds_x86_window *w)
{
    uint32_t live = w->live, pitch = w->pitch; /* loaded once, since the stores below may alias w */
    if (live == 8 && pitch == 8) {
        copy_each(to, from, apart, 8, positions, 8);
    } else if (live == 16 && pitch == 16) {
        copy_each(to, from, apart, 16, positions, 16);
    } else if (live == 32 && pitch == 32) {
        copy_each(to, from, apart, 32, positions, 32);
    } else {
        for (; positions > 0; positions--, to += pitch, from += apart) {
            for (uint32_t i = live; i < pitch; i++) {
                to[i] = 0;
            }
            if (live > BYTES) {
                offset_run(to, from, live);
            } else {
                offset_few(to, from, live);
            }
        }
    }
}

/* Copy contiguous positions. */
FAST void copy_run(uint8_t *to, const int8_t *from, size_t positions, const reds_x86_window *w)
{
    if (w->live == w->pitch) {
        offset_run(to, from, positions * w->pitch);
    } else {
        copy_apart(to, from, w->live, positions, w);
    }
}

/* Fill positions with padding, and up to BYTES past them with anything. */
FAST void pad(uint8_t *to, size_t positions, int32_t zero, const reds_x86_window *w)
{
    vec each = broadcast((int32_t)((uint32_t)(uint8_t)(zero + OFFSET) * 0x01010101));
    if (w->live == w->pitch) {
        for (size_t i = 0; i < positions * w->pitch; i += BYTES) {
            save(to + i, each);
        }
        return;
    }
    for (; positions > 0; positions--, to += w->pitch) {
        memset(to, zero + OFFSET, w->live);
        memset(to + w->live, 0, w->pitch - w->live);
    }
}

/* Copy a line of the input and the padding beside it. */
FAST void copy_line(uint8_t *to, const int8_t *from, uint32_t positions, int32_t zero,
                    const reds_x86_window *w)
{
    if (w->phases == 1) {
        uint32_t right = w->width - w->left - positions;
        pad(to, w->left, zero, w);
        copy_run(to + (size_t)w->left * w->pitch, from, positions, w);
        pad(to + (size_t)(w->left + positions) * w->pitch, right, zero, w);
        return;
    }
    for (uint32_t x = w->left == 0 ? positions : 0; x < w->width; x += x + 1 == w->left ? 1 + positions : 1) {
        pad(to + reds_x86_column(w, x), 1, zero, w);
    }
    for (uint32_t x = 0; x < w->phases && x < positions; x++) {
        size_t apart = (size_t)w->phases * w->live, each = (positions - x + w->phases - 1) / w->phases;
        copy_apart(to + reds_x86_column(w, w->left + x), from + (size_t)x * w->live, apart, each, w);
    }
}

/* Copy positions with padding between them. */
FAST void copy_spread(uint8_t *to, const reds_op *op, const reds_x86_window *w)
{
    uint32_t live = w->live;
    const int8_t *from = op->in;
    pad(to, (size_t)w->height * w->width, op->zero_in, w);
    for (uint32_t y = 0; y < op->from->height; y++) {
        uint8_t *line = to + ((size_t)(w->top + y * w->spread_rows) * w->width + w->left) * w->pitch;
        for (uint32_t x = 0; x < op->from->width;
             x++, from += live, line += (size_t)w->spread_columns * w->pitch) {
            offset_few(line, from, live);
        }
    }
}

KERNEL void copy_input(uint8_t *to, const reds_op *op, const reds_x86_window *w)
{
    uint32_t positions = op->from->width, lines = op->from->height;
    size_t line = (size_t)w->width * w->pitch;
    if (w->spread_rows * w->spread_columns > 1) {
        copy_spread(to, op, w);
        return;
    }
    if (w->width == positions && w->height == lines && w->phases == 1) { /* without padding: one run */
        copy_run(to, op->in, (size_t)lines * positions, w);
        return;
    }
    pad(to, (size_t)w->top * w->width, op->zero_in, w);
    to += w->top * line;
    for (uint32_t y = 0; y < lines; y++, to += line) {
        copy_line(to, op->in + (size_t)y * positions * w->live, positions, op->zero_in, w);
    }
    pad(to, (size_t)(w->height - w->top - lines) * w->width, op->zero_in, w);
}
