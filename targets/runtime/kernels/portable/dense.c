/* Dense layer in the canonical layout, plain C. Weights are int8 [full_out][full_in]; a subnet reads the
 * first units_in of the first units_out rows. No sum overflows int32 (pack.h, REDS_BIAS_LIMIT). */
#include "portable.h"

void reds_portable_dense(const reds_op *op)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    const int8_t *row = op->weights;
    for (uint32_t o = 0; o < op->units_out; o++, row += op->from->units) {
        int32_t acc = bias[o];
        for (uint32_t i = 0; i < op->units_in; i++) {
            acc += row[i] * op->in[i];
        }
        op->out[o] = reds_requantize(acc, multiplier[o], op->zero);
    }
}
