/* Layers that compute each value by itself from two, for aarch64: sixteen at a time. */
#include "values.h"

#ifdef __aarch64__

/* What all values of a layer of two inputs share. */
typedef struct {
    int32x4_t bias, half[4];
    int16x8_t factors;       /* of the inputs */
    int8x8_t less_a, less_b; /* zero points, of a product */
    int16x8_t zero;
} pair_table;

static pair_table table_of(const int32_t *biases, int32_t multiplier, int32_t zero)
{
    int32x4_t m = vdupq_n_s32(multiplier / 2);
    return (pair_table){
        .bias = vdupq_n_s32(biases[0]),
        .half = {m, m, m, m},
        .zero = vdupq_n_s16((int16_t)zero),
    };
}

typedef void (*compute)(int32x4_t acc[2], int8x8_t a, int8x8_t b, const pair_table *t);

/* bias + factor * a + factor * b. Factors fit 16 bits (REDS_FACTOR_LIMIT). */
REDS_ALWAYS_INLINE void sum(int32x4_t acc[2], int8x8_t a, int8x8_t b, const pair_table *t)
{
    int16x8_t x = vmovl_s8(a), y = vmovl_s8(b);
    acc[0] = vmlal_laneq_s16(t->bias, vget_low_s16(x), t->factors, 0);
    acc[1] = vmlal_high_laneq_s16(t->bias, x, t->factors, 0);
    acc[0] = vmlal_laneq_s16(acc[0], vget_low_s16(y), t->factors, 1);
    acc[1] = vmlal_high_laneq_s16(acc[1], y, t->factors, 1);
}

/* (a - zero of a) * (b - zero of b) */
REDS_ALWAYS_INLINE void product(int32x4_t acc[2], int8x8_t a, int8x8_t b, const pair_table *t)
{
    int16x8_t x = vsubl_s8(a, t->less_a), y = vsubl_s8(b, t->less_b);
    acc[0] = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    acc[1] = vmull_high_s16(x, y);
}

/* Compute `count` values, `some` at a time. */
REDS_ALWAYS_INLINE void run_some(const pair_table *t, const int8_t *a, const int8_t *b, int8_t *out,
                                 uint32_t count, uint32_t some, compute two)
{
    for (uint32_t i = 0; i < count; i = reds_neon_next(i, count)) {
        int8x16_t x = reds_neon_load_run(a + i, some), y = reds_neon_load_run(b + i, some);
        int32x4_t acc[4];
        two(acc, vget_low_s8(x), vget_low_s8(y), t);
        two(acc + 2, vget_high_s8(x), vget_high_s8(y), t);
        reds_neon_store_run(out + i, reds_neon_requantize_all(acc, t->half, t->zero), some);
    }
}

REDS_ALWAYS_INLINE void run_values(const pair_table *t, const int8_t *a, const int8_t *b, int8_t *out,
                                   uint32_t count, compute two)
{
    if (count >= REDS_NEON_LANES) {
        run_some(t, a, b, out, count, REDS_NEON_LANES, two);
    } else {
        run_some(t, a, b, out, count, count, two);
    }
}

/* Compute all values at once, or runs of them where the second input repeats its rows or columns. */
REDS_ALWAYS_INLINE void run_pairs(const reds_op *op, const pair_table *t, compute two)
{
    const reds_tensor *second = reds_input_shape(op, 1);
    uint32_t height = op->to->height, width = op->to->width, units = op->units_out, rows = second->height;
    uint32_t run = second->width == width ? width * units : units, down = second->width * units;
    const int8_t *a = op->in, *b = reds_input_values(op, 1);
    int8_t *out = op->out;
    if (run == width * units && rows == height) { /* tensors are padded to a multiple of 16 bytes */
        run_some(t, a, b, out, (height * run + REDS_NEON_LANES - 1) / REDS_NEON_LANES * REDS_NEON_LANES,
                 REDS_NEON_LANES, two);
        return;
    }
    for (uint32_t y = 0; y < height; y++, b += rows == 1 ? 0 : down) {
        for (uint32_t i = 0; i < width * units; i += run, a += run, out += run) {
            run_values(t, a, b, out, run, two);
        }
    }
}

void reds_neon_add(const reds_op *op)
{
    const int32_t *table = reds_biases(op);
    pair_table t = table_of(table, reds_multipliers(op)[0], op->zero);
    t.factors = vsetq_lane_s16((int16_t)table[2], vdupq_n_s16((int16_t)table[1]), 1);
    run_pairs(op, &t, sum);
}

void reds_neon_multiply(const reds_op *op)
{
    pair_table t = table_of(reds_biases(op), reds_multipliers(op)[0], op->zero);
    t.less_a = vdup_n_s8((int8_t)op->zero_in);
    t.less_b = vdup_n_s8((int8_t)reds_input_room(op, 1)->zero);
    run_pairs(op, &t, product);
}

/* The positions in front have no input, but its zero point. */
void reds_neon_embed(const reds_op *op)
{
    const int32_t *table = reds_biases(op);
    pair_table t = table_of(table, reds_multipliers(op)[0], op->zero);
    uint32_t front = op->layer->padding[0], units = op->units_out;
    const int8_t *in = op->in, *weights = op->weights;
    int8_t *out = op->out;
    t.bias = vdupq_n_s32(table[0] + table[1] * op->zero_in);
    t.factors = vsetq_lane_s16((int16_t)table[2], vdupq_n_s16(0), 1);
    for (uint32_t i = 0; i < reds_positions(op->to); i++, weights += op->to->units, out += units) {
        if (i < front) {
            run_values(&t, weights, weights, out, units, sum);
            continue;
        }
        t.bias = vdupq_n_s32(table[0]);
        t.factors = vsetq_lane_s16((int16_t)table[1], t.factors, 0);
        run_values(&t, in, weights, out, units, sum);
        in += units;
    }
}

#endif
