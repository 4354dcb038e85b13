/* Dense layer in the canonical layout, plain C. Weights are int8 [full_out][full_in]; a subnet reads the
 * first units_in of the first units_out rows. No sum overflows int32 (pack.h, REDS_BIAS_LIMIT). */
#include "portable.h"
#include "rows.h"

void reds_portable_dense(const reds_op *op)
{
    reds_rows rows = {
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .zero = op->zero,
        .count = op->units_in,
        .runs = 1,
        .lines = 1,
    };
    reds_line line = {.in = op->in, .out = op->out, .count = 1};
    reds_write_rows(&rows, op->weights, op->from->units, op->units_out, &line);
}
