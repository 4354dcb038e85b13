/* Layers that compute each value by itself, for the Cortex-M4. values.h explains blocks. */
#include "values.h"

#ifdef __ARM_FEATURE_DSP

#define AT(field, offset)                                       \
    _Static_assert(offsetof(reds_m4_values, field) == (offset), \
                   "values_offsets.h: " #field " is not at " #offset)

AT(a, VALUES_A);
AT(b, VALUES_B);
AT(out, VALUES_OUT);
AT(bytes, VALUES_BYTES);
AT(blocks, VALUES_BLOCKS);
AT(a_step, VALUES_A_STEP);
AT(b_step, VALUES_B_STEP);
AT(out_step, VALUES_OUT_STEP);
AT(bias, VALUES_BIAS);
AT(factors, VALUES_FACTORS);
AT(less_a, VALUES_LESS_A);
AT(less_b, VALUES_LESS_B);
AT(multiplier, VALUES_MULTIPLIER);
AT(zero_less_1, VALUES_ZERO_LESS_1);

static uint32_t pair(int32_t low, int32_t high)
{
    return (uint16_t)low | (uint32_t)high << 16;
}

/* Compute all values at once, or blocks where the second input repeats its rows or columns. */
static void run_pairs(const reds_op *op, void (*compute)(const reds_m4_values *), reds_m4_values *v)
{
    const reds_tensor *second = reds_input_shape(op, 1);
    uint32_t height = op->to->height, width = op->to->width, units = op->units_out, times = 1;
    v->a = op->in;
    v->b = reds_input_values(op, 1);
    v->out = op->out;
    v->blocks = 1;
    if (second->width == width) { /* all rows, or each with the only one */
        v->blocks = second->height == height ? 1 : height;
        v->bytes = height / v->blocks * width * units;
    } else { /* each position with that of its row, or with the only one */
        times = second->height;
        v->blocks = height / times * width;
        v->bytes = units;
    }
    v->b_step = -(int32_t)v->bytes;
    for (; times > 0; times--, v->b += units) {
        compute(v);
        v->a += v->blocks * v->bytes;
        v->out += v->blocks * v->bytes;
    }
}

void reds_m4_run_add(const reds_op *op)
{
    const int32_t *table = reds_biases(op);
    reds_m4_values v = {.bias = table[0],
                        .factors = pair(table[1], table[2]),
                        .multiplier = reds_multipliers(op)[0],
                        .zero_less_1 = op->zero - 1};
    run_pairs(op, reds_m4_add, &v);
}

void reds_m4_run_multiply(const reds_op *op)
{
    int32_t zero = reds_input_room(op, 1)->zero;
    reds_m4_values v = {.less_a = pair(-op->zero_in, -op->zero_in),
                        .less_b = pair(-zero, -zero),
                        .multiplier = reds_multipliers(op)[0],
                        .zero_less_1 = op->zero - 1};
    run_pairs(op, reds_m4_multiply, &v);
}

/* The positions in front have no input, but its zero point. */
void reds_m4_run_embed(const reds_op *op)
{
    const int32_t *table = reds_biases(op);
    uint32_t front = op->layer->padding[0], units = op->units_out, all = op->to->units;
    reds_m4_values v = {.a = op->weights,
                        .out = op->out,
                        .bytes = units,
                        .blocks = front,
                        .a_step = (int32_t)(all - units),
                        .bias = table[0] + table[1] * op->zero_in,
                        .factors = pair(table[2], 0),
                        .multiplier = reds_multipliers(op)[0],
                        .zero_less_1 = op->zero - 1};
    if (front != 0) {
        reds_m4_scale(&v);
    }
    v.blocks = reds_positions(op->to) - front;
    v.bias = table[0];
    v.factors = pair(table[2], table[1]);
    v.a += front * all;
    v.b = op->in;
    v.out += front * units;
    reds_m4_add(&v);
}

/* Requantize the units `begin` to `end` of input k at all positions, to `out` at the first one. */
static void concat_units(const reds_op *op, uint32_t k, uint32_t begin, uint32_t end, int8_t *out)
{
    uint32_t units = end - begin;
    const reds_m4_values v = {.a = reds_input_values(op, k) + begin,
                              .out = out,
                              .bytes = units,
                              .blocks = reds_positions(op->to),
                              .a_step = (int32_t)(reds_input_room(op, k)->units - units),
                              .out_step = (int32_t)(op->units_out - units),
                              .bias = reds_biases(op)[k],
                              .factors = pair(16, 0),
                              .multiplier = reds_multipliers(op)[k],
                              .zero_less_1 = op->zero - 1};
    reds_m4_scale(&v);
}

void reds_m4_run_concat(const reds_op *op)
{
    reds_concat(op, concat_units);
}

#endif
