/* Dense layer: one window of one position. Panel by panel, so that weights stream in their order in
 * memory. In CHAINS independent sums, so that no product waits for another. */

enum { CHAINS = 6, HALVES = PANEL / LANES }; /* HALVES: vectors of a panel */

FAST void dense_panel(const reds_op *op, const int32_t *multiplier, const uint8_t *input,
                      const uint8_t *weights, uint32_t quads, uint32_t row)
{
    vec acc[CHAINS][HALVES], zero = zero_point(op->zero);
    UNROLL for (uint32_t h = 0; h < HALVES; h++) {
        acc[0][h] = load_rows(reds_biases(op), op->units_out, row + h * LANES);
        UNROLL for (uint32_t c = 1; c < CHAINS; c++) {
            acc[c][h] = broadcast(0);
        }
    }
    uint32_t q = 0;
    for (; q + CHAINS <= quads; q += CHAINS, weights += CHAINS * LINE) {
        UNROLL for (uint32_t c = 0; c < CHAINS; c++) {
            vec x = quad(input + 4 * (q + c));
            UNROLL for (uint32_t h = 0; h < HALVES; h++) {
                acc[c][h] = dot(acc[c][h], x, load(weights + c * LINE + h * BYTES));
            }
        }
    }
    UNROLL for (uint32_t c = 0; c + 1 < CHAINS; c++) {
        if (q + c < quads) {
            vec x = quad(input + 4 * (q + c));
            UNROLL for (uint32_t h = 0; h < HALVES; h++) {
                acc[c][h] = dot(acc[c][h], x, load(weights + c * LINE + h * BYTES));
            }
        }
    }
    UNROLL for (uint32_t h = 0; h < HALVES; h++) {
        UNROLL for (uint32_t c = 1; c < CHAINS; c++) {
            acc[0][h] += acc[c][h];
        }
        vec m = load_rows(multiplier, op->units_out, row + h * LANES);
        acc[0][h] = requantize(acc[0][h], m, zero);
    }
    save_rows(op->out + row, acc[0], HALVES, op->units_out - row);
}

KERNEL void dense(const reds_op *op)
{
    reds_x86_window w = reds_x86_window_of(op->layer, op->from, op->units_in);
    uint8_t *input = reds_x86_scratch_of(op, &w).copy;
    copy_input(input, op, &w);
    const uint8_t *weights = op->weights;
    const int32_t *multiplier = reds_multipliers(op);
    size_t panel = (op->from->units + 3u) / 4 * LINE;
    for (uint32_t row = 0; row < op->units_out; row += PANEL, weights += panel) {
        dense_panel(op, multiplier, input, weights, (uint32_t)w.quads, row);
    }
}
