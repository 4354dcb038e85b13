/* Depthwise convolution of any kernel size. The bytes of four taps are interleaved, so that the four
 * products of a lane belong to one unit: for a kernel of 3 x 3 the three taps of a row, otherwise any four, with weights
 * of 0 for those that pad the last quad. A vector holds BYTES units, or the units of several positions, for which
 * weights and table are repeated. Its bytes become four vectors of lanes, of which PARTS are computed at once. */

typedef struct {
    vec bias[4], multiplier[4], zero;
    const weights *weights; /* [quads][4 vectors] */
    const uint32_t *taps;   /* offsets, [quads][4] */
} lanes;

/* List the first of each four units of a vector, in which `units` units repeat; they are a multiple of four. */
FAST void lane_units(uint32_t *places, uint32_t units)
{
    uint32_t unit = 0;
    UNROLL for (uint32_t four = 0; four < BYTES / 4; four++) {
        places[four] = unit;
        unit = unit + 4 < units ? unit + 4 : 0;
    }
}

/* Spread values of units over four vectors, in the order of interleave. */
FAST void arrange(vec *to, const int32_t *from, const uint32_t *places, uint32_t units)
{
    if (units % 4 == 0) {
        UNROLL for (uint32_t k = 0; k < 4; k++) {
            to[k] = joined(from, places + k);
        }
        return;
    }
    int32_t values[BYTES];
    for (uint32_t lane = 0, unit = 0; lane < BYTES; lane++) {
        values[lane % 16 / 4 * LANES + lane / 16 * 4 + lane % 4] = from[unit];
        unit = unit + 1 < units ? unit + 1 : 0;
    }
    for (uint32_t k = 0; k < 4; k++) {
        to[k] = load(values + k * LANES);
    }
}

/* Add the products of a quad of taps to the lanes of a part. */
FAST void add_quad(vec *acc, const lanes *l, const vec *taps, uint32_t quad, uint32_t part)
{
    vec inputs[PARTS];
    interleave(inputs, taps, part);
    UNROLL for (uint32_t k = 0; k < PARTS; k++) {
        acc[k] = dot(acc[k], spread(inputs[k]), l->weights[4 * quad + part + k]);
    }
}

/* Requantize the lanes of a part, and write the first `count` units of the vector that are in it. */
FAST void depthwise_save(const lanes *l, vec *acc, int8_t *out, uint32_t count, uint32_t part)
{
    UNROLL for (uint32_t k = 0; k < PARTS; k++) {
        acc[k] = requantize(acc[k], l->multiplier[part + k], l->zero);
    }
    save_interleaved(out, acc, count, part);
}

/* Compute one vector of outputs. */
FAST void depthwise_lanes(const lanes *l, const uint8_t *window, uint32_t quads, int8_t *out, uint32_t count)
{
    UNROLL for (uint32_t part = 0; part < 4; part += PARTS) {
        vec acc[PARTS];
        UNROLL for (uint32_t k = 0; k < PARTS; k++) {
            acc[k] = l->bias[part + k];
        }
        for (uint32_t q = 0; q < quads; q++) {
            vec taps[4];
            UNROLL for (uint32_t i = 0; i < 4; i++) {
                taps[i] = load(window + l->taps[4 * q + i]);
            }
            add_quad(acc, l, taps, q, part);
        }
        depthwise_save(l, acc, out, count, part);
    }
}

/* Where windows of 3 x 3 are, from the first output of a column down. */
typedef struct {
    const uint8_t *window;
    size_t taps[3], line;   /* offsets of the taps of a row, and bytes from one row to the next */
    uint32_t height, count; /* of outputs, of bytes in a vector */
    int8_t *out;
    size_t apart; /* bytes from one output to the one below */
} column;

/* Load a row of a window and make lanes of a part of it. */
FAST void row_lanes(weights *row, const column *c, const uint8_t *window, uint32_t part)
{
    vec inputs[PARTS],
        taps[4] = {load(window + c->taps[0]), load(window + c->taps[1]), load(window + c->taps[2])};
    taps[3] = taps[2];
    interleave(inputs, taps, part);
    UNROLL for (uint32_t k = 0; k < PARTS; k++) {
        row[k] = spread(inputs[k]);
    }
}

/* Compute a column of windows whose rows overlap: each row of the input belongs to three outputs. */
FAST void column_down(const lanes *l, const column *c, uint32_t part)
{
    vec second[PARTS], third[PARTS]; /* sums that lack the second row and the third, or the third alone */
    weights row[PARTS];
    const uint8_t *window = c->window;
    int8_t *out = c->out;
    UNROLL for (uint32_t k = 0; k < PARTS; k++) {
        second[k] = third[k] = l->bias[part + k];
    }
    for (uint32_t y = 0; y < c->height + 2; y++, window += c->line) {
        vec acc[PARTS];
        row_lanes(row, c, window, part);
        UNROLL for (uint32_t k = 0; k < PARTS; k++) {
            acc[k] = dot(third[k], row[k], l->weights[8 + part + k]);
            third[k] = dot(second[k], row[k], l->weights[4 + part + k]);
            second[k] = dot(l->bias[part + k], row[k], l->weights[part + k]);
        }
        if (y >= 2) {
            depthwise_save(l, acc, out, c->count, part);
            out += c->apart;
        }
    }
}

/* Compute a column of windows whose rows do not all overlap. */
FAST void column_apart(const lanes *l, const column *c, const reds_x86_window *w, uint32_t part)
{
    for (uint32_t y = 0; y < c->height; y++) {
        vec acc[PARTS];
        UNROLL for (uint32_t k = 0; k < PARTS; k++) {
            acc[k] = l->bias[part + k];
        }
        UNROLL for (uint32_t i = 0; i < 3; i++) {
            weights row[PARTS];
            row_lanes(row, c, c->window + ((size_t)y * w->down + i * w->skip_rows) * c->line, part);
            UNROLL for (uint32_t k = 0; k < PARTS; k++) {
                acc[k] = dot(acc[k], row[k], l->weights[4 * i + part + k]);
            }
        }
        depthwise_save(l, acc, c->out + y * c->apart, c->count, part);
    }
}

KERNEL void depthwise_3x3(const reds_op *op, const reds_x86_window *w, const lanes *l, const uint8_t *copy,
                          uint32_t first, uint32_t units)
{
    uint32_t pitch = op->units_out, width = op->to->width;
    uint32_t side = units < pitch ? 1 : BYTES / units; /* windows in a vector */
    column c = {.line = (size_t)w->width * pitch, .height = op->to->height, .apart = (size_t)width * pitch};
    for (uint32_t x = 0; x < 3; x++) {
        c.taps[x] = reds_x86_column(w, x * w->skip_columns);
    }
    for (uint32_t x = 0; x < width; x += side) {
        c.window = copy + (size_t)x * pitch + first;
        c.out = op->out + (size_t)x * pitch + first;
        c.count = (width - x < side ? width - x : side) * units;
        UNROLL for (uint32_t part = 0; part < 4; part += PARTS) {
            if (w->down == 1 && w->skip_rows == 1) {
                column_down(l, &c, part);
            } else {
                column_apart(l, &c, w, part);
            }
        }
    }
}

/* Compute all windows for `units` units from unit `first` on. */
KERNEL void depthwise_units(const reds_op *op, const reds_x86_window *w, const lanes *l, const uint8_t *copy,
                            uint32_t first, uint32_t units)
{
    uint32_t pitch = op->units_out, width = op->to->width, quads = (uint32_t)w->quads;
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
            *offsets++ =
                y * w->skip_rows * w->width * w->pitch + (uint32_t)reds_x86_column(w, x * w->skip_columns);
        }
    }
}

KERNEL void depthwise(const reds_op *op)
{
    reds_x86_window w;
    reds_x86_set_window(&w, op->layer, op->from, op->units_in);
    reds_x86_scratch scratch = reds_x86_scratch_of(op, &w);
    weights *arranged = (void *)scratch.arranged;
    copy_input(scratch.copy, op, &w);
    tap_offsets(scratch.offsets, &w);
    lanes l = {.zero = zero_point(op->zero), .weights = arranged, .taps = scratch.offsets};
    uint32_t full = (op->from->units + PANEL - 1u) / PANEL * PANEL;
    for (uint32_t first = 0; first < op->units_out; first += BYTES) {
        uint32_t left = op->units_out - first, units = left < BYTES ? left : BYTES, places[BYTES / 4];
        lane_units(places, units);
        for (uint32_t q = 0; q < w.quads; q++) {
            vec four[4];
            arrange(four, (const int32_t *)op->weights + (size_t)q * full + first, places, units);
            for (uint32_t k = 0; k < 4; k++) {
                arranged[4 * q + k] = spread(four[k]);
            }
        }
        arrange(l.bias, biases(op) + first, places, units);
        arrange(l.multiplier, reds_multipliers(op) + first, places, units);
        if (w.rows == 3 && w.columns == 3) {
            depthwise_3x3(op, &w, &l, scratch.copy, first, units);
        } else {
            depthwise_units(op, &w, &l, scratch.copy, first, units);
        }
    }
}
