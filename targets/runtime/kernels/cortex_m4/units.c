/* Layers with numbers for each unit, value by value, for the Cortex-M4. units.h explains them. */
#include "units.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

#define AT(type, field, offset) \
    _Static_assert(offsetof(type, field) == (offset), "units_offsets.h: " #field " is not at " #offset)

AT(reds_m4_norm, in, NORM_IN);
AT(reds_m4_norm, out, NORM_OUT);
AT(reds_m4_norm, biases, NORM_BIASES);
AT(reds_m4_norm, multipliers, NORM_MULTIPLIERS);
AT(reds_m4_norm, units, NORM_UNITS);
AT(reds_m4_norm, count, NORM_COUNT);
AT(reds_m4_norm, less_sum, NORM_LESS_SUM);
AT(reds_m4_norm, reciprocal, NORM_RECIPROCAL);
AT(reds_m4_norm, half, NORM_HALF);
AT(reds_m4_norm, shift, NORM_SHIFT);
AT(reds_m4_norm, zero_less_1, NORM_ZERO_LESS_1);

AT(reds_m4_slopes, in, SLOPES_IN);
AT(reds_m4_slopes, out, SLOPES_OUT);
AT(reds_m4_slopes, below, SLOPES_BELOW);
AT(reds_m4_slopes, from_zero, SLOPES_FROM_ZERO);
AT(reds_m4_slopes, units, SLOPES_UNITS);
AT(reds_m4_slopes, positions, SLOPES_POSITIONS);
AT(reds_m4_slopes, less, SLOPES_LESS);
AT(reds_m4_slopes, zero_less_1, SLOPES_ZERO_LESS_1);

/* Return count^2 times the variance of a position, and set its sum. */
static uint64_t variance_of(const int8_t *in, uint32_t count, int32_t *sum)
{
    int32_t squares = 0, all = 0;
    uint32_t u = 0;
    for (; u + 4 <= count; u += 4) {
        uint32_t word;
        memcpy(&word, in + u, sizeof word);
        uint32_t even = reds_m4_sxtb16(word), odd = reds_m4_sxtb16_high(word);
        all = reds_m4_smlad(even, 0x00010001, reds_m4_smlad(odd, 0x00010001, all));
        squares = reds_m4_smlad(even, even, reds_m4_smlad(odd, odd, squares));
    }
    for (; u < count; u++) {
        all += in[u];
        squares += in[u] * in[u];
    }
    *sum = all;
    return (uint64_t)((int64_t)count * squares - (int64_t)all * all);
}

/* Normalize the position at `in`. `scale` is as many bits as count * x may be shifted left. */
static void normalize(const reds_op *op, uint32_t scale, const int8_t *in, int8_t *out)
{
    const int32_t *biases = reds_biases(op);
    uint32_t units = op->units_in;
    int32_t sum;
    uint64_t variance = variance_of(in, units, &sum) + (uint32_t)biases[units];
    reds_inverse inverse = reds_inverse_of(variance);
    if (inverse.reciprocal > INT32_MAX) { /* a power of two */
        inverse.reciprocal >>= 1;
        inverse.shift--;
    }
    uint32_t shift = inverse.shift + scale;
    if (shift < 33) { /* half a step is no multiple of 2^32 */
        reds_normalize(op, in, out);
        return;
    }
    const reds_m4_norm norm = {.in = in,
                               .out = out,
                               .biases = biases,
                               .multipliers = reds_multipliers(op),
                               .units = units,
                               .count = (int32_t)(units << scale),
                               .less_sum = -sum * (1 << scale),
                               .reciprocal = (int32_t)inverse.reciprocal,
                               .half = 1 << (shift - 33),
                               .shift = shift - 32,
                               .zero_less_1 = op->zero - 1};
    reds_m4_normalize(&norm);
}

void reds_m4_run_layer_norm(const reds_op *op)
{
    uint32_t units = op->units_in, scale = 0;
    if (units < 4) {
        reds_portable_layer_norm(op);
        return;
    }
    while (254 * units < UINT32_C(1) << (30 - scale)) {
        scale++;
    }
    for (uint32_t at = 0; at < reds_positions(op->to) * units; at += units) {
        normalize(op, scale, op->in + at, op->out + at);
    }
}

void reds_m4_run_prelu(const reds_op *op)
{
    if (op->units_in < 4) {
        reds_portable_prelu(op);
        return;
    }
    const reds_m4_slopes slopes = {.in = op->in,
                                   .out = op->out,
                                   .below = reds_biases(op),
                                   .from_zero = reds_multipliers(op),
                                   .units = op->units_in,
                                   .positions = reds_positions(op->to),
                                   .less = (uint16_t)-op->zero_in * UINT32_C(0x10001),
                                   .zero_less_1 = op->zero - 1};
    reds_m4_prelu(&slopes);
}

#endif
