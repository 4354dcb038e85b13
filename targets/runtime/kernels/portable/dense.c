/* Dense, canonical layout, plain C: weights int8 [full_out][full_in], the first units_in of the first
 * units_out rows. Sums stay in int32 (BIAS_LIMIT); requantised by reds_requantise. */
#include "portable.h"

void reds_portable_dense(const reds_op *op)
{
    const int8_t *row = op->weights;
    for (uint32_t o = 0; o < op->units_out; o++, row += op->from->units) {
        int32_t acc = op->bias[o];
        for (uint32_t i = 0; i < op->units_in; i++) {
            acc += row[i] * op->in[i];
        }
        op->out[o] = reds_requantise(acc, op->multiplier[o], op->zero);
    }
}
