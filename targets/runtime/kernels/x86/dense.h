/* Dense: one window of one site. The rows of up to VECTORS vectors at once, each in CHAINS sums, so that one
 * product need not wait for the one before. */

enum { CHAINS = 4 };

FAST void dense_rows(const reds_op *op, const uint8_t *input, uint32_t quads, size_t panel, uint32_t row,
                     uint32_t vectors)
{
    vec acc[VECTORS][CHAINS];
    const uint8_t *weights = (const uint8_t *)op->weights + row / PANEL * panel;
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        acc[v][0] = load_rows(op->bias, op->units_out, row + v * LANES);
        UNROLL for (uint32_t c = 1; c < CHAINS; c++) {
            acc[v][c] = same(0);
        }
    }
    uint32_t q = 0;
    for (; q + CHAINS <= quads; q += CHAINS) {
        UNROLL for (uint32_t c = 0; c < CHAINS; c++) {
            vec x = quad(input + 4 * (q + c));
            UNROLL for (uint32_t v = 0; v < vectors; v++) {
                acc[v][c] = dot(acc[v][c], x, load(vector_at(weights, v, panel) + (q + c) * LINE));
            }
        }
    }
    for (; q < quads; q++) {
        vec x = quad(input + 4 * q);
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            acc[v][0] = dot(acc[v][0], x, load(vector_at(weights, v, panel) + q * LINE));
        }
    }
    vec y[VECTORS], zero = zero_point(op->zero);
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        vec total = acc[v][0] + acc[v][1] + acc[v][2] + acc[v][3];
        vec m = load_rows(op->multiplier, op->units_out, row + v * LANES);
        y[v] = requantise(total, m, zero);
    }
    save_rows(op->out + row, y, vectors, op->units_out - row);
}

KERNEL void dense(const reds_op *op)
{
    reds_x86_window w = reds_x86_window_of(op->layer, op->from, op->units_in);
    uint8_t *input = reds_x86_scratch_of(op, &w).copy;
    copy_input(input, op, &w);
    size_t panel = (op->from->units + 3u) / 4 * LINE;
    for (uint32_t row = 0; row < op->units_out; row += VECTORS * LANES) {
        BY_VECTORS(op->units_out - row, dense_rows(op, input, (uint32_t)w.quads, panel, row, N));
    }
}
