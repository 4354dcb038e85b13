/* Depthwise convolution of any kernel size. The bytes of four taps are interleaved, so that the four
 * products of a lane belong to one unit. A 3 x 3 kernel is three such quads, the last one padded with
 * weights of 0. A vector holds BYTES units, or the units of several positions, for which weights and table
 * are repeated. */

typedef struct {
    vec bias[4], multiplier[4], zero;
    const int32_t *weights; /* [quads][4 vectors] */
    const uint32_t *taps;   /* offsets, [quads][4] */
} lanes;

/* Repeat the values of `units` units over four vectors, in the order of interleave. */
FAST void arrange(int32_t *to, const int32_t *from, uint32_t units)
{
    uint32_t unit = 0;
    for (uint32_t lane = 0; lane < BYTES; lane += 4) {
        int32_t *four = to + lane % 16 / 4 * LANES + lane / 16 * 4;
        if (unit + 4 <= units) {
            memcpy(four, from + unit, 16);
            unit += 4;
        } else {
            for (uint32_t i = 0; i < 4; i++, unit++) {
                unit = unit < units ? unit : 0;
                four[i] = from[unit];
            }
        }
        unit = unit < units ? unit : 0;
    }
}

FAST void arrange_table(vec *to, const int32_t *from, uint32_t units)
{
    int32_t values[BYTES];
    arrange(values, from, units);
    for (uint32_t k = 0; k < 4; k++) {
        to[k] = load(values + k * LANES);
    }
}

/* Compute one vector of outputs. */
FAST void depthwise_lanes(const lanes *l, const uint8_t *window, uint32_t quads, int8_t *out, uint32_t count)
{
    vec acc[4] = {l->bias[0], l->bias[1], l->bias[2], l->bias[3]};
    for (uint32_t q = 0; q < quads; q++) {
        vec rows[4], inputs[4];
        UNROLL for (uint32_t i = 0; i < 4; i++) {
            rows[i] = load(window + l->taps[4 * q + i]);
        }
        interleave(inputs, rows);
        UNROLL for (uint32_t k = 0; k < 4; k++) {
            acc[k] = dot_taps(acc[k], inputs[k], load(l->weights + (4 * q + k) * LANES));
        }
    }
    UNROLL for (uint32_t k = 0; k < 4; k++) {
        acc[k] = requantize(acc[k], l->multiplier[k], l->zero);
    }
    save_interleaved(out, acc, count);
}

/* Compute all windows for `units` units from unit `first` on. */
FAST void depthwise_units(const reds_op *op, const reds_x86_window *w, const lanes *l, const uint8_t *copy,
                          uint32_t quads, uint32_t first, uint32_t units)
{
    uint32_t pitch = op->units_out, width = op->to->width;
    uint32_t side = units < pitch ? 1 : BYTES / units; /* windows in a vector */
    for (uint32_t y = 0; y < op->to->height; y++) {
        const uint8_t *window = copy + (size_t)y * w->down * w->width * pitch + first;
        int8_t *out = op->out + (size_t)y * width * pitch + first;
        for (uint32_t left = width; left > 0;) {
            uint32_t some = left < side ? left : side;
            depthwise_lanes(l, window, quads, out, some * units);
            window += some * pitch;
            out += some * pitch;
            left -= some;
        }
    }
}

/* List the offset of each tap from the first position of a window, in bytes. Taps that pad the last quad
 * have 0. */
KERNEL void tap_offsets(uint32_t *offsets, const reds_x86_window *w)
{
    memset(offsets, 0, (size_t)w->quads * 16);
    for (uint32_t y = 0; y < w->rows; y++) {
        for (uint32_t x = 0; x < w->columns; x++) {
            *offsets++ = y * w->width * w->pitch + (uint32_t)reds_x86_column(w, x);
        }
    }
}

KERNEL void depthwise(const reds_op *op)
{
    reds_x86_window w = reds_x86_window_of(op->layer, op->from, op->units_in);
    reds_x86_scratch scratch = reds_x86_scratch_of(op, &w);
    copy_input(scratch.copy, op, &w);
    tap_offsets(scratch.offsets, &w);
    lanes l = {.zero = zero_point(op->zero), .weights = scratch.arranged, .taps = scratch.offsets};
    uint32_t quads = (uint32_t)w.quads, full = (op->from->units + PANEL - 1u) / PANEL * PANEL;
    for (uint32_t first = 0; first < op->units_out; first += BYTES) {
        uint32_t left = op->units_out - first, units = left < BYTES ? left : BYTES;
        for (uint32_t q = 0; q < quads; q++) {
            const int32_t *weights = (const int32_t *)op->weights + (size_t)q * full + first;
            arrange(scratch.arranged + 4 * LANES * q, weights, units);
        }
        arrange_table(l.bias, biases(op) + first, units);
        arrange_table(l.multiplier, reds_multipliers(op) + first, units);
        if (quads == 3) {
            depthwise_units(op, &w, &l, scratch.copy, 3, first, units);
        } else {
            depthwise_units(op, &w, &l, scratch.copy, quads, first, units);
        }
    }
}
