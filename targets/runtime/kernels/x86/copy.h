/* The copy of a layer's input in its scratch, as x86.h has it. */

/* `bytes` of a run of units as they stand. */
FAST void flip(uint8_t *to, const int8_t *from, size_t bytes)
{
    for (; bytes > BYTES; bytes -= BYTES, to += BYTES, from += BYTES) {
        flip_some(to, from, BYTES);
    }
    flip_some(to, from, (uint32_t)bytes);
}

/* Sites one by one, `apart` bytes from one to the next where they come from; lanes past the live ones are 0. */
FAST void copy_apart(uint8_t *to, const int8_t *from, size_t apart, size_t sites, const reds_x86_window *w)
{
    uint32_t live = w->live, site = w->site; /* read once: any byte written might be theirs */
    for (; sites > 0; sites--, to += site, from += apart) {
        for (uint32_t i = live; i < site; i++) {
            to[i] = 0;
        }
        flip(to, from, live);
    }
}

/* Sites side by side. */
FAST void copy_run(uint8_t *to, const int8_t *from, size_t sites, const reds_x86_window *w)
{
    if (w->live == w->site) {
        flip(to, from, sites * w->site);
    } else {
        copy_apart(to, from, w->live, sites, w);
    }
}

/* A line of the input with its padding, which is there already but for lanes that stay 0. */
FAST void copy_line(uint8_t *to, const int8_t *from, uint32_t sites, const reds_x86_window *w)
{
    if (w->phases == 1) {
        copy_run(to + (size_t)w->left * w->site, from, sites, w);
        return;
    }
    for (uint32_t x = 0; x < w->phases && x < sites; x++) {
        size_t apart = (size_t)w->phases * w->live, each = (sites - x + w->phases - 1) / w->phases;
        copy_apart(to + reds_x86_column(w, w->left + x), from + (size_t)x * w->live, apart, each, w);
    }
}

/* All sites are padding. */
FAST void pad(uint8_t *to, size_t sites, int32_t zero, const reds_x86_window *w)
{
    if (w->live == w->site) {
        memset(to, zero + 128, sites * w->site);
        return;
    }
    for (; sites > 0; sites--, to += w->site) {
        memset(to, zero + 128, w->live);
        memset(to + w->live, 0, w->site - w->live);
    }
}

KERNEL void copy_input(uint8_t *to, const reds_op *op, const reds_x86_window *w)
{
    uint32_t sites = op->from->width, lines = op->from->height;
    if (w->width == sites && w->height == lines && w->phases == 1) { /* no padding: one run */
        copy_run(to, op->in, (size_t)lines * sites, w);
        return;
    }
    pad(to, (size_t)w->height * w->width, op->zero_in, w);
    to += (size_t)w->top * w->width * w->site;
    for (uint32_t y = 0; y < lines; y++, to += (size_t)w->width * w->site) {
        copy_line(to, op->in + (size_t)y * sites * w->live, sites, w);
    }
}
