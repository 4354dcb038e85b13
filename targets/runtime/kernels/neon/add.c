/* Residual addition for aarch64, eight values at a time: bias + factor * a + factor * b. Factors fit 16 bits
 * (REDS_FACTOR_LIMIT). The last eight values may include padding of the tensors. */
#include "neon.h"

#ifdef __aarch64__

void reds_neon_add(const reds_op *op)
{
    uint32_t count = (uint32_t)op->to->height * op->to->width * op->units_out;
    const int32_t *table = reds_biases(op);
    const int8_t *in2 = reds_input_values(op, 1);
    int16_t one = (int16_t)table[1], two = (int16_t)table[2];
    int32x4_t bias = vdupq_n_s32(table[0]), half = vdupq_n_s32(reds_multipliers(op)[0] / 2);
    int16x8_t zero = vdupq_n_s16((int16_t)op->zero);
    for (uint32_t i = 0; i < count; i += 8) {
        int16x8_t a = vmovl_s8(vld1_s8(op->in + i)), b = vmovl_s8(vld1_s8(in2 + i));
        int32x4_t low = vmlal_n_s16(vmlal_n_s16(bias, vget_low_s16(a), one), vget_low_s16(b), two);
        int32x4_t high = vmlal_high_n_s16(vmlal_high_n_s16(bias, a, one), b, two);
        vst1_s8(op->out + i,
                reds_neon_requantize((int32x4x2_t){{low, high}}, (int32x4x2_t){{half, half}}, zero));
    }
}

#endif
