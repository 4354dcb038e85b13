/* Concatenation and parametric ReLU for aarch64: values by multipliers, sixteen at a time. */
#include "values.h"

#ifdef __aarch64__

typedef struct {
    int32x4_t bias, half[4];
    int16x8_t zero;
} scale;

/* Requantize 16 * x + bias of `count` units, `some` at a time, at all positions. */
REDS_ALWAYS_INLINE void scale_units(const reds_op *op, const scale *t, const int8_t *in, uint32_t step,
                                    int8_t *out, uint32_t count, uint32_t some)
{
    for (uint32_t left = reds_positions(op->to); left > 0; left--, in += step, out += op->units_out) {
        for (uint32_t i = 0; i < count; i = reds_neon_next(i, count)) {
            int8x16_t x = reds_neon_load_run(in + i, some);
            int16x8_t low = vshll_n_s8(vget_low_s8(x), 4), high = vshll_n_s8(vget_high_s8(x), 4);
            const int32x4_t acc[4] = {
                vaddw_s16(t->bias, vget_low_s16(low)),
                vaddw_high_s16(t->bias, low),
                vaddw_s16(t->bias, vget_low_s16(high)),
                vaddw_high_s16(t->bias, high),
            };
            reds_neon_store_run(out + i, reds_neon_requantize_all(acc, t->half, t->zero), some);
        }
    }
}

/* Requantize the units `begin` to `end` of input k at all positions, to `out` at the first one. */
static void concat_units(const reds_op *op, uint32_t k, uint32_t begin, uint32_t end, int8_t *out)
{
    const int8_t *in = reds_input_values(op, k) + begin;
    uint32_t step = reds_input_room(op, k)->units, count = end - begin;
    int32_t bias = reds_biases(op)[k], multiplier = reds_multipliers(op)[k];
    int32x4_t m = vdupq_n_s32(multiplier / 2);
    const scale t = {vdupq_n_s32(bias), {m, m, m, m}, vdupq_n_s16((int16_t)op->zero)};
    if (count >= REDS_NEON_LANES) {
        scale_units(op, &t, in, step, out, count, REDS_NEON_LANES);
    } else if (count >= 4) {
        scale_units(op, &t, in, step, out, count, count);
    } else {
        reds_portable_concat_units(op, k, begin, end, out);
    }
}

void reds_neon_concat(const reds_op *op)
{
    reds_concat(op, concat_units);
}

/* Requantize 16 * (x - zero) of at most sixteen units at all positions. A unit has a multiplier for values below zero,
 * and one for others. */
static void prelu_units(const reds_op *op, uint32_t begin, uint32_t count)
{
    static const int8_t lanes[REDS_NEON_LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const int32_t *below = reds_biases(op) + begin, *from_zero = reds_multipliers(op) + begin;
    const int8_t *in = op->in + begin;
    int8_t units[REDS_NEON_LANES], *out = op->out + begin;
    int32_t table[2][REDS_NEON_LANES];
    vst1q_s8(units, reds_neon_load_run(lanes, count));
    for (uint32_t i = 0; i < REDS_NEON_LANES; i++) {
        table[0][i] = below[units[i]];
        table[1][i] = from_zero[units[i]];
    }
    int32x4_t negative[4], positive[4];
    for (uint32_t i = 0; i < 4; i++) {
        negative[i] = vshrq_n_s32(vld1q_s32(table[0] + 4 * i), 1);
        positive[i] = vshrq_n_s32(vld1q_s32(table[1] + 4 * i), 1);
    }
    int8x8_t zero_in = vdup_n_s8((int8_t)op->zero_in);
    int16x8_t zero = vdupq_n_s16((int16_t)op->zero);
    for (uint32_t left = reds_positions(op->to); left > 0;
         left--, in += op->units_out, out += op->units_out) {
        int8x16_t x = reds_neon_load_run(in, count);
        int16x8_t low = vsubl_s8(vget_low_s8(x), zero_in), high = vsubl_s8(vget_high_s8(x), zero_in);
        const int32x4_t acc[4] = {
            vshll_n_s16(vget_low_s16(low), 4),
            vshll_high_n_s16(low, 4),
            vshll_n_s16(vget_low_s16(high), 4),
            vshll_high_n_s16(high, 4),
        };
        int32x4_t half[4];
        for (uint32_t i = 0; i < 4; i++) {
            half[i] = vbslq_s32(vcltzq_s32(acc[i]), negative[i], positive[i]);
        }
        reds_neon_store_run(out, reds_neon_requantize_all(acc, half, zero), count);
    }
}

void reds_neon_prelu(const reds_op *op)
{
    for (uint32_t u = 0; u < op->units_out; u = reds_neon_next(u, op->units_out)) {
        prelu_units(op, u, op->units_out < REDS_NEON_LANES ? op->units_out : REDS_NEON_LANES);
    }
}

#endif
