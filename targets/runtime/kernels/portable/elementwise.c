/* Layers that compute each value by itself, plain C. */
#include "portable.h"

/* One layer of two inputs: `count` values of both, side by side. */
typedef void (*pairs)(const reds_op *op, const int8_t *a, const int8_t *b, int8_t *out, uint32_t count);

/* Compute all values at once, or position by position where the second input repeats its rows or columns. */
static void run_pairs(const reds_op *op, pairs compute)
{
    const int8_t *a = op->in, *b = reds_input_values(op, 1);
    const reds_tensor *second = reds_input_shape(op, 1);
    uint32_t height = op->to->height, width = op->to->width, units = op->units_out;
    if (second->height == height && second->width == width) {
        compute(op, a, b, op->out, height * width * units);
        return;
    }
    int8_t *out = op->out;
    uint32_t down = second->height == 1 ? 0 : second->width * units, across = second->width == 1 ? 0 : units;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, a += units, out += units) {
            compute(op, a, b + y * down + x * across, out, units);
        }
    }
}

/* Requantize bias + factor * a + factor * b by the table's one multiplier. */
static void add(const reds_op *op, const int8_t *a, const int8_t *b, int8_t *out, uint32_t count)
{
    const int32_t *table = reds_biases(op);
    int32_t bias = table[0], one = table[1], two = table[2], multiplier = reds_multipliers(op)[0],
            zero = op->zero;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = reds_requantize(bias + one * a[i] + two * b[i], multiplier, zero);
    }
}

void reds_portable_add(const reds_op *op)
{
    run_pairs(op, add);
}

static void multiply(const reds_op *op, const int8_t *a, const int8_t *b, int8_t *out, uint32_t count)
{
    int32_t multiplier = reds_multipliers(op)[0], zero_a = op->zero_in, zero_b = reds_input_room(op, 1)->zero;
    int32_t zero = op->zero;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = reds_requantize((a[i] - zero_a) * (b[i] - zero_b), multiplier, zero);
    }
}

void reds_portable_multiply(const reds_op *op)
{
    run_pairs(op, multiply);
}

/* Requantize 16 * (x - zero) by one of two multipliers of the unit: that in the place of a bias is for values below
 * zero. */
void reds_portable_prelu(const reds_op *op)
{
    const int32_t *below = reds_biases(op), *from_zero = reds_multipliers(op);
    const int8_t *in = op->in;
    int8_t *out = op->out;
    int32_t zero_in = op->zero_in, zero = op->zero;
    uint32_t units = op->units_out;
    for (uint32_t position = reds_positions(op->to); position > 0; position--, in += units, out += units) {
        for (uint32_t u = 0; u < units; u++) {
            int32_t x = in[u] - zero_in, multiplier = x < 0 ? below[u] : from_zero[u];
            out[u] = reds_requantize(16 * x, multiplier, zero);
        }
    }
}

/* Requantize bias + factor * x + factor * w. The positions in front have no input: x is its zero point. */
void reds_portable_embed(const reds_op *op)
{
    const int32_t *table = reds_biases(op);
    int32_t bias = table[0], one = table[1], two = table[2], multiplier = reds_multipliers(op)[0],
            zero = op->zero;
    uint32_t front = op->layer->padding[0], units = op->units_out;
    const int8_t *in = op->in, *weights = op->weights;
    int8_t *out = op->out;
    for (uint32_t position = 0; position < reds_positions(op->to); position++) {
        if (position < front) {
            for (uint32_t u = 0; u < units; u++) {
                out[u] = reds_requantize(bias + one * op->zero_in + two * weights[u], multiplier, zero);
            }
        } else {
            for (uint32_t u = 0; u < units; u++) {
                out[u] = reds_requantize(bias + one * in[u] + two * weights[u], multiplier, zero);
            }
            in += units;
        }
        weights += op->to->units;
        out += units;
    }
}
