/* Residual addition for Helium, four values at a time: bias + factor * a + factor * b. The last four values may
 * include padding of the tensors. */
#include "helium.h"

#ifdef REDS_HELIUM

void reds_helium_add(const reds_op *op)
{
    uint32_t count = reds_positions(op->to) * op->units_out;
    const int32_t *table = reds_biases(op);
    const int8_t *a = op->in, *b = reds_input_values(op, 1);
    int32_t one = table[1], two = table[2], half = reds_multipliers(op)[0] / 2, zero = op->zero;
    int32x4_t bias = vdupq_n_s32(table[0]);
    int8_t *out = op->out;
    for (uint32_t fours = (count + 3) / 4; fours > 0; fours--, a += 4, b += 4, out += 4) {
        int32x4_t acc = vmlaq_n_s32(vmlaq_n_s32(bias, vldrbq_s32(a), one), vldrbq_s32(b), two);
        int32x4_t y = vaddq_n_s32(vqrdmulhq_n_s32(acc, half), zero);
        vstrbq_s32(out, vminq_s32(vmaxq_s32(y, vdupq_n_s32(-127)), vdupq_n_s32(127)));
    }
}

#endif
