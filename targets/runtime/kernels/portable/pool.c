/* Pooling, plain C. An average is the sum of the window times the factor of its table, and its one
 * multiplier divides; a maximum moves a byte as it is. Windows never reach into padding. */
#include "portable.h"

/* The first value of a window of one unit. */
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
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++) {
            for (uint32_t unit = 0; unit < op->units_out; unit++) {
                int32_t acc = op->bias[0] + op->bias[1] * sum(op, window_at(op, y, x, unit));
                *out++ = reds_requantise(acc, op->multiplier[0], op->zero);
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
