/* Residual addition for aarch64, sixteen values at a time: bias + factor * a + factor * b. Factors fit 16 bits
 * (REDS_FACTOR_LIMIT). The last sixteen values may include padding of the tensors. */
#include "neon.h"

#ifdef __aarch64__

REDS_ALWAYS_INLINE void add_eight(int32x4_t acc[2], int32x4_t bias, int16x8_t a, int16x8_t b,
                                  int16x8_t factors)
{
    acc[0] = vmlal_laneq_s16(bias, vget_low_s16(a), factors, 0);
    acc[1] = vmlal_high_laneq_s16(bias, a, factors, 0);
    acc[0] = vmlal_laneq_s16(acc[0], vget_low_s16(b), factors, 1);
    acc[1] = vmlal_high_laneq_s16(acc[1], b, factors, 1);
}

void reds_neon_add(const reds_op *op)
{
    uint32_t count = reds_positions(op->to) * op->units_out;
    const int32_t *table = reds_biases(op);
    const int8_t *in2 = reds_input_values(op, 1);
    int16x8_t factors = vsetq_lane_s16((int16_t)table[2], vdupq_n_s16((int16_t)table[1]), 1);
    int32x4_t bias = vdupq_n_s32(table[0]), m = vdupq_n_s32(reds_multipliers(op)[0] / 2),
              half[4] = {m, m, m, m};
    int16x8_t zero = vdupq_n_s16((int16_t)op->zero);
    for (uint32_t i = 0; i < count; i += 16) {
        int8x16_t a = vld1q_s8(op->in + i), b = vld1q_s8(in2 + i);
        int32x4_t acc[4];
        add_eight(acc, bias, vmovl_s8(vget_low_s8(a)), vmovl_s8(vget_low_s8(b)), factors);
        add_eight(acc + 2, bias, vmovl_high_s8(a), vmovl_high_s8(b), factors);
        vst1q_s8(op->out + i, reds_neon_requantize_all(acc, half, zero));
    }
}

#endif
