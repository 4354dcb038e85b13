/* Layer norm over the units of each position, plain C: exact but for three roundings that docs/arithmetic.md states. */
#include "portable.h"

enum { FRACTION = 12 }; /* bits of a normalized value */
enum { ROOT = 62 };     /* bits of the variance that the root is taken of, at most */

/* Return floor(sqrt(value)) for value < 2^62. */
static uint32_t root_of(uint64_t value)
{
    uint32_t root = 0;
    for (uint32_t bit = UINT32_C(1) << (ROOT / 2 - 1); bit > 0; bit >>= 1) {
        uint32_t larger = root | bit;
        root = (uint64_t)larger * larger <= value ? larger : root;
    }
    return root;
}

/* The inverse of a position's deviation: 1 / sqrt(variance) = reciprocal / 2^shift. */
typedef struct {
    uint32_t reciprocal, shift;
} inverse;

/* Return the inverse root of count^2 times the variance, including epsilon: at least 1, below 2^47. The shift leaves
 * FRACTION bits. */
static inverse inverse_of(uint64_t variance)
{
    uint32_t shift = ROOT - 1 - FRACTION;
    for (; variance < UINT64_C(1) << (ROOT - 2); variance <<= 2) {
        shift--;
    }
    return (inverse){(uint32_t)((UINT64_C(1) << (ROOT - 1)) / root_of(variance)), shift};
}

static void normalize(const reds_op *op, const int8_t *in, int8_t *out)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int32_t count = (int32_t)op->units_in, sum = 0, squares = 0;
    for (int32_t u = 0; u < count; u++) {
        sum += in[u];
        squares += in[u] * in[u];
    }
    inverse deviation = inverse_of((uint64_t)((int64_t)count * squares - (int64_t)sum * sum + bias[count]));
    int64_t half = INT64_C(1) << (deviation.shift - 1);
    for (int32_t u = 0; u < count; u++) {
        int64_t scaled = (int64_t)(count * in[u] - sum) * deviation.reciprocal;
        out[u] =
            reds_requantize(bias[u] + (int32_t)((scaled + half) >> deviation.shift), multiplier[u], op->zero);
    }
}

void reds_portable_layer_norm(const reds_op *op)
{
    for (uint32_t at = 0; at < reds_positions(op->to) * op->units_in; at += op->units_in) {
        normalize(op, op->in + at, op->out + at);
    }
}
