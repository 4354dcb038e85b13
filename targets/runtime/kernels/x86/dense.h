/* Dense layer: one window of one position. VNNI is as fast as weights arrive from the cache, so panel by panel in their
 * order in memory, in several chains of sums, so that no product waits for another. AVX2 computes four panels at once, so
 * that one load of inputs serves all of them. */

typedef struct {
    const int32_t *bias, *multiplier;
    const uint8_t *bytes, *signs; /* of the inputs */
    uint32_t quads;
    size_t panel;     /* bytes of weights from one to the next */
    int32_t negative; /* the sum that split_signs returns */
} dense_input;

/* Compute the rows of so many panels in so many chains of sums each, with constants for both. */
FAST void dense_panels(const reds_op *op, const dense_input *in, const uint8_t *weights, uint32_t row,
                       uint32_t panels, uint32_t chains)
{
    vec acc[4 * HALVES][6], zero = zero_point(op->zero);
    uint32_t vectors = panels * HALVES, q = 0;
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        acc[v][0] = load_rows(in->bias, op->units_out, row + v * LANES) + broadcast(in->negative);
        UNROLL for (uint32_t c = 1; c < chains; c++) {
            acc[v][c] = broadcast(0);
        }
    }
    for (; q + chains <= in->quads; q += chains) {
        UNROLL for (uint32_t c = 0; c < chains; c++) {
            UNROLL for (uint32_t v = 0; v < vectors; v++) {
                vec w = load(vector_at(weights, v, in->panel) + (size_t)(q + c) * LINE);
                acc[v][c] = dot_signs(acc[v][c], in->bytes + 4 * (q + c), in->signs + 4 * (q + c), w);
            }
        }
    }
    for (; q < in->quads; q++) {
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            vec w = load(vector_at(weights, v, in->panel) + (size_t)q * LINE);
            acc[v][0] = dot_signs(acc[v][0], in->bytes + 4 * q, in->signs + 4 * q, w);
        }
    }
    UNROLL for (uint32_t v = 0; v < vectors; v += 4) {
        vec four[4];
        UNROLL for (uint32_t i = 0; i < 4; i++) {
            four[i] = zero;
            if (v + i < vectors) {
                UNROLL for (uint32_t c = 1; c < chains; c++) {
                    acc[v + i][0] += acc[v + i][c];
                }
                vec m = load_rows(in->multiplier, op->units_out, row + (v + i) * LANES);
                four[i] = requantize(acc[v + i][0], m, zero);
            }
        }
        uint32_t at = row + v * LANES;
        if (at < op->units_out) {
            save_part(op->out + at, pack(four), 0, BYTES, op->units_out - at);
        }
    }
}

KERNEL void dense(const reds_op *op)
{
    reds_x86_window w;
    reds_x86_set_window(&w, op->layer, op->from, op->units_in);
    reds_x86_scratch scratch = reds_x86_scratch_of(op, &w);
    dense_input in = {.bias = biases(op), .multiplier = reds_multipliers(op), .quads = (uint32_t)w.quads};
    copy_input(scratch.copy, op, &w);
    memset(scratch.copy + 4 * w.quads, 0, LINE);
    in.bytes = scratch.copy;
    in.signs = scratch.copy + scratch.plane;
    in.negative = split_signs(scratch.copy, scratch.copy + scratch.plane, 4 * w.quads);
    in.panel = (op->from->units + 3u) / 4 * LINE;
    const uint8_t *weights = op->weights;
    uint32_t row = 0;
    for (; PLANES == 2 && row + 3 * PANEL < op->units_out; row += 4 * PANEL, weights += 4 * in.panel) {
        dense_panels(op, &in, weights, row, 4, 1);
    }
    for (; row < op->units_out; row += PANEL, weights += in.panel) {
        dense_panels(op, &in, weights, row, 1, PLANES == 2 ? 3 : 6);
    }
}
