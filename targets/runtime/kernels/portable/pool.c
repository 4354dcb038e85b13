/* Pooling without padding, plain C. An average multiplies the sum of the window by the table's factor; its
 * multiplier divides by the number of taps. A maximum is not requantized. */
#include "portable.h"

/* Return the first value of one unit in a window. */
static const int8_t *window_at(const reds_op *op, uint32_t y, uint32_t x, uint32_t unit)
{
    uint32_t top = y * op->layer->stride[0], left = x * op->layer->stride[1];
    return op->in + (top * op->from->width + left) * op->units_in + unit;
}

static int32_t sum(const reds_op *op, const int8_t *first)
{
    int32_t total = 0;
    for (uint32_t y = 0; y < op->layer->kernel[0]; y++, first += op->from->width * op->units_in) {
        for (uint32_t x = 0; x < op->layer->kernel[1]; x++) {
            total += first[x * op->units_in];
        }
    }
    return total;
}

static int8_t largest(const reds_op *op, const int8_t *first)
{
    int8_t most = *first;
    for (uint32_t y = 0; y < op->layer->kernel[0]; y++, first += op->from->width * op->units_in) {
        for (uint32_t x = 0; x < op->layer->kernel[1]; x++) {
            int8_t value = first[x * op->units_in];
            most = value > most ? value : most;
        }
    }
    return most;
}

void reds_portable_average_pool(const reds_op *op)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++) {
            for (uint32_t unit = 0; unit < op->units_out; unit++) {
                int32_t acc = bias[0] + bias[1] * sum(op, window_at(op, y, x, unit));
                *out++ = reds_requantize(acc, multiplier[0], op->zero);
            }
        }
    }
}

void reds_portable_max_pool(const reds_op *op)
{
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++) {
            for (uint32_t unit = 0; unit < op->units_out; unit++) {
                *out++ = largest(op, window_at(op, y, x, unit));
            }
        }
    }
}
