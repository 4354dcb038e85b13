/* Dense layer for aarch64. neon.h explains layout and arithmetic. Scratch: the input followed by 0, if its
 * last quad is partial. */
#include "neon.h"

#ifdef __aarch64__

void reds_neon_dense(const reds_op *op, reds_neon_inner inner)
{
    const int8_t *x = op->in;
    if (op->units_in % 4 != 0) {
        int8_t *copy = op->scratch;
        memcpy(copy, op->in, op->units_in);
        memset(copy + op->units_in, 0, 4);
        x = copy;
    }
    const reds_neon_rows rows = {
        .weights = op->weights,
        .x = x,
        .out = op->out,
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .rows = op->units_out,
        .apart = op->units_out,
        .groups = (op->to->units + 3u) / 4,
        .blocks = (op->from->units + 3u) / 4,
        .lines = 1,
        .runs = 1,
        .quads = (op->units_in + 3) / 4,
        .positions = 1,
        .width = 1,
        .zero = op->zero,
    };
    inner(&rows);
}

#endif
