/* Layer norm over the units of each position, plain C: exact but for three roundings that docs/arithmetic.md states. */
#include "portable.h"

enum { FRACTION = 12 }; /* bits of a normalized value */
enum { ROOT = 62 };     /* bits of the variance that the root is taken of, at most */

/* Return floor(sqrt(value)) for a value from 2^60 on and below 2^62: a root of its upper half, and one step of Newton's
 * method, which is at most one too large. */
static uint32_t root_of(uint64_t value)
{
    uint32_t upper = (uint32_t)(value >> 30), root = 1u << 15;
    for (uint32_t bit = 1u << 14; bit > 0; bit >>= 1) {
        uint32_t larger = root | bit;
        root = larger * larger <= upper ? larger : root;
    }
    uint64_t rest = value - ((uint64_t)(root * root) << 30);
    uint32_t better = (root << 15) + (uint32_t)(rest >> 16) / root;
    return better - ((uint64_t)better * better > value ? 1 : 0);
}

reds_inverse reds_inverse_of(uint64_t variance)
{
    uint32_t shift = ROOT - 1 - FRACTION;
    for (uint32_t by = 32; by >= 2; by /= 2) {
        if (variance < UINT64_C(1) << (ROOT - by)) {
            variance <<= by;
            shift -= by / 2;
        }
    }
    return (reds_inverse){(uint32_t)((UINT64_C(1) << (ROOT - 1)) / root_of(variance)), shift};
}

void reds_normalize(const reds_op *op, const int8_t *in, int8_t *out)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int32_t count = (int32_t)op->units_in, sum = 0, squares = 0;
    for (int32_t u = 0; u < count; u++) {
        sum += in[u];
        squares += in[u] * in[u];
    }
    reds_inverse deviation =
        reds_inverse_of((uint64_t)((int64_t)count * squares - (int64_t)sum * sum + bias[count]));
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
        reds_normalize(op, op->in + at, op->out + at);
    }
}
