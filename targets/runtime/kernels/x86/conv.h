/* Convolution of any kernel, stride and padding; a pointwise one is no special case. A window is its quads,
 * each at an offset from the window's first site. The rows of up to VECTORS vectors in SITES windows at once,
 * so that each weight that is read serves them all. */

typedef struct {
    const uint8_t *weights;
    size_t panel; /* bytes from one to the next */
    const uint32_t *offsets;
    uint32_t quads;
    const uint8_t *windows[SITES];
    int8_t *out[SITES];
} tile;

FAST void conv_rows(const reds_op *op, const tile *t, uint32_t row, uint32_t vectors)
{
    vec acc[SITES][VECTORS], zero = zero_point(op->zero);
    const uint8_t *weights = t->weights + row / PANEL * t->panel;
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        vec bias = load_rows(op->bias, op->units_out, row + v * LANES);
        UNROLL for (uint32_t s = 0; s < SITES; s++) {
            acc[s][v] = bias;
        }
    }
    for (uint32_t q = 0; q < t->quads; q++) {
        vec w[VECTORS];
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            w[v] = load(vector_at(weights, v, t->panel) + q * LINE);
        }
        UNROLL for (uint32_t s = 0; s < SITES; s++) {
            vec x = quad(t->windows[s] + t->offsets[q]);
            UNROLL for (uint32_t v = 0; v < vectors; v++) {
                acc[s][v] = dot(acc[s][v], x, w[v]);
            }
        }
    }
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        vec m = load_rows(op->multiplier, op->units_out, row + v * LANES);
        UNROLL for (uint32_t s = 0; s < SITES; s++) {
            acc[s][v] = requantise(acc[s][v], m, zero);
        }
    }
    UNROLL for (uint32_t s = 0; s < SITES; s++) {
        save_rows(t->out[s] + row, acc[s], vectors, op->units_out - row);
    }
}

/* From the first site of a window, the bytes to each of its quads. */
KERNEL void conv_offsets(uint32_t *offsets, const reds_op *op, const reds_x86_window *w)
{
    bool narrow = op->from->units < 4;
    uint32_t blocks = narrow ? 1 : w->site / 4, line = w->width * w->site;
    uint32_t across = narrow ? (w->columns * w->site + 3) / 4 : w->columns, step = narrow ? 4 : w->site;
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
    uint64_t full_quads = reds_x86_window_of(op->layer, op->from, op->from->units).quads;
    tile t = {op->weights, (size_t)full_quads * LINE, scratch.offsets, (uint32_t)w.quads, {NULL}, {NULL}};
    uint32_t sites = (uint32_t)op->to->height * op->to->width, x = 0, y = 0;
    for (uint32_t first = 0; first < sites; first += SITES) {
        for (uint32_t s = 0; s < SITES; s++) { /* the last tile has its last window again and again */
            t.windows[s] = scratch.copy + ((size_t)y * w.down * w.width + x * w.across) * w.site;
            t.out[s] = op->out + ((size_t)y * op->to->width + x) * op->units_out;
            bool last = first + s + 1 >= sites, turn = x + 1u == op->to->width;
            x = last ? x : turn ? 0 : x + 1;
            y = !last && turn ? y + 1 : y;
        }
        for (uint32_t row = 0; row < op->units_out; row += VECTORS * LANES) {
            BY_VECTORS(op->units_out - row, conv_rows(op, &t, row, N))
        }
    }
}
