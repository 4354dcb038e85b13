/* Copy a layer's input to its scratch in the form that x86.h describes. */

/* Copy a run of bytes as x + OFFSET. */
FAST void offset_run(uint8_t *to, const int8_t *from, size_t bytes)
{
    for (; bytes > BYTES; bytes -= BYTES, to += BYTES, from += BYTES) {
        offset_some(to, from, BYTES);
    }
    offset_some(to, from, (uint32_t)bytes);
}

/* Copy positions that are `apart` bytes apart in the input, with 0 in the lanes past the subnet's units. */
FAST void copy_apart(uint8_t *to, const int8_t *from, size_t apart, size_t positions,
                     const reds_x86_window *w)
{
    uint32_t live = w->live, pitch = w->pitch; /* loaded once, since the stores below may alias w */
    for (; positions > 0; positions--, to += pitch, from += apart) {
        for (uint32_t i = live; i < pitch; i++) {
            to[i] = 0;
        }
        offset_run(to, from, live);
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

/* Copy a line of the input between its padding, which is written already. */
FAST void copy_line(uint8_t *to, const int8_t *from, uint32_t positions, const reds_x86_window *w)
{
    if (w->phases == 1) {
        copy_run(to + (size_t)w->left * w->pitch, from, positions, w);
        return;
    }
    for (uint32_t x = 0; x < w->phases && x < positions; x++) {
        size_t apart = (size_t)w->phases * w->live, each = (positions - x + w->phases - 1) / w->phases;
        copy_apart(to + reds_x86_column(w, w->left + x), from + (size_t)x * w->live, apart, each, w);
    }
}

/* Fill positions with padding. */
FAST void pad(uint8_t *to, size_t positions, int32_t zero, const reds_x86_window *w)
{
    if (w->live == w->pitch) {
        memset(to, zero + OFFSET, positions * w->pitch);
        return;
    }
    for (; positions > 0; positions--, to += w->pitch) {
        memset(to, zero + OFFSET, w->live);
        memset(to + w->live, 0, w->pitch - w->live);
    }
}

KERNEL void copy_input(uint8_t *to, const reds_op *op, const reds_x86_window *w)
{
    uint32_t positions = op->from->width, lines = op->from->height;
    if (w->width == positions && w->height == lines && w->phases == 1) { /* without padding: one run */
        copy_run(to, op->in, (size_t)lines * positions, w);
        return;
    }
    pad(to, (size_t)w->height * w->width, op->zero_in, w);
    to += (size_t)w->top * w->width * w->pitch;
    for (uint32_t y = 0; y < lines; y++, to += (size_t)w->width * w->pitch) {
        copy_line(to, op->in + (size_t)y * positions * w->live, positions, w);
    }
}
