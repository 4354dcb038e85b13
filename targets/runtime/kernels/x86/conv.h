/* Convolution of any kernel size, stride and padding, pointwise included. A window is a list of quads,
 * each at an offset from the window's first position. A tile has the rows of up to VECTORS vectors for up
 * to POSITIONS windows, so that each load of weights serves all of them. */

typedef struct {
    const uint8_t *weights;
    size_t panel; /* bytes from one to the next */
    const int32_t *multiplier;
    const uint32_t *offsets;
    uint32_t quads;
    const uint8_t *windows[POSITIONS]; /* the last one repeated if there are fewer */
    uint32_t live;                     /* windows to write */
    int8_t *out;
} tile;

/* Compute a tile from window `first` on. `vectors` and `positions` are constants at compile time. */
FAST void conv_rows(const reds_op *op, const tile *t, uint32_t row, uint32_t first, uint32_t vectors,
                    uint32_t positions)
{
    vec acc[POSITIONS][VECTORS], zero = zero_point(op->zero);
    const uint8_t *weights = t->weights + row / PANEL * t->panel;
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        vec bias = load_rows(reds_biases(op), op->units_out, row + v * LANES);
        UNROLL for (uint32_t s = 0; s < positions; s++) {
            acc[s][v] = bias;
        }
    }
    for (uint32_t q = 0; q < t->quads; q++) {
        vec w[VECTORS];
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            w[v] = load(vector_at(weights, v, t->panel) + q * LINE);
        }
        UNROLL for (uint32_t s = 0; s < positions; s++) {
            vec x = quad(t->windows[first + s] + t->offsets[q]);
            UNROLL for (uint32_t v = 0; v < vectors; v++) {
                acc[s][v] = dot(acc[s][v], x, w[v]);
            }
        }
    }
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        vec m = load_rows(t->multiplier, op->units_out, row + v * LANES);
        UNROLL for (uint32_t s = 0; s < positions; s++) {
            acc[s][v] = requantize(acc[s][v], m, zero);
        }
    }
    uint32_t apart = op->units_out, count = apart - row, live = t->live - first;
    int8_t *out = t->out + first * apart + row;
    UNROLL for (uint32_t s = 0; s < positions; s++, out += apart) {
        if (s < live) {
            save_rows(out, acc[s], vectors, count);
        }
    }
}

/* Compute as many windows at once as fit the registers; a rest of at most half as many takes a half tile. */
FAST void conv_windows(const reds_op *op, const tile *t, uint32_t row, uint32_t vectors)
{
    uint32_t positions = POSITIONS_WITH(vectors);
    for (uint32_t first = 0; first < t->live; first += positions) {
        if (t->live - first > positions / 2) {
            conv_rows(op, t, row, first, vectors, positions);
        } else {
            conv_rows(op, t, row, first, vectors, positions / 2);
        }
    }
}

/* List the offset of each quad from the first position of a window, in bytes. */
KERNEL void conv_offsets(uint32_t *offsets, const reds_op *op, const reds_x86_window *w)
{
    bool few_units = op->from->units < 4;
    uint32_t blocks = few_units ? 1 : w->pitch / 4, line = w->width * w->pitch;
    uint32_t across = few_units ? (w->columns * w->pitch + 3) / 4 : w->columns,
             step = few_units ? 4 : w->pitch;
    for (uint32_t b = 0; b < blocks; b++) {
        for (uint32_t y = 0; y < w->rows; y++) {
            for (uint32_t x = 0; x < across; x++) {
                *offsets++ = 4 * b + y * line + x * step;
            }
        }
    }
}

KERNEL void conv(const reds_op *op)
{
    reds_x86_window w = reds_x86_window_of(op->layer, op->from, op->units_in);
    reds_x86_scratch scratch = reds_x86_scratch_of(op, &w);
    copy_input(scratch.copy, op, &w);
    conv_offsets(scratch.offsets, op, &w);
    size_t panel = (size_t)reds_x86_window_of(op->layer, op->from, op->from->units).quads * LINE;
    tile t = {.weights = op->weights, .panel = panel, .offsets = scratch.offsets, .out = op->out};
    t.quads = (uint32_t)w.quads;
    t.multiplier = reds_multipliers(op);
    const uint8_t *line = scratch.copy, *window = line;
    uint32_t left = (uint32_t)op->to->height * op->to->width, x = 0, width = op->to->width;
    while (left > 0) {
        t.live = left < POSITIONS ? left : POSITIONS;
        for (uint32_t s = 0; s < POSITIONS; s++) {
            t.windows[s] = window;
            if (s + 1 < left && ++x < width) {
                window += w.across * w.pitch;
            } else if (s + 1 < left) {
                x = 0;
                window = line += (size_t)w.down * w.width * w.pitch;
            }
        }
        for (uint32_t row = 0; row < op->units_out; row += VECTORS * LANES) {
            BY_VECTORS(op->units_out - row, conv_windows(op, &t, row, N))
        }
        left -= t.live;
        t.out += t.live * op->units_out;
    }
}
