/* Dense, canonical layout, plain C: weights int8 [full_out][full_in], the first units_in of the first
 * units_out rows. Sums stay in int32 (BIAS_LIMIT); requantised by reds_requantise. */
#include "../kernels.h"

static void dense(const reds_op *op)
{
    const int8_t *row = op->weights;
    for (uint32_t o = 0; o < op->units_out; o++, row += op->full_in) {
        int32_t acc = op->bias[o];
        for (uint32_t i = 0; i < op->units_in; i++) {
            acc += row[i] * op->in[i];
        }
        op->out[o] = reds_requantise(acc, op->multiplier[o], op->zero);
    }
}

static uint64_t weights_bytes(const reds_tensor *in, const reds_tensor *out)
{
    return (uint64_t)in->units * out->units;
}

static uint32_t scratch_bytes(const reds_step *step)
{
    (void)step;
    return 0;
}

static bool row_ok(int32_t bias, int32_t multiplier, bool plain)
{
    return !plain && reds_row_ok(bias, multiplier);
}

const reds_family reds_portable = {
    .layout = 0,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .row_ok = row_ok,
    .run = {[REDS_DENSE] = dense},
};
