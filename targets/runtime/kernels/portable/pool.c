/* Pooling, plain C. An average multiplies the sum of the window by the table's factor; its multiplier divides by the
 * number of taps. It counts padding, which has the value of the input's zero point. A maximum is not requantized, and
 * padding is none of its values. */
#include "portable.h"

/* The taps of a window that lie in the input: never none, as a padding is smaller than the kernel. */
typedef struct {
    const int8_t *first;
    uint32_t rows, columns;
} window;

/* Return the taps that lie in an input of `size` rows or columns, of a window that begins at `start`, and move the
 * start of the window to the first of them. */
static uint32_t inside(int32_t *start, int32_t kernel, int32_t size)
{
    int32_t end = *start + kernel < size ? *start + kernel : size;
    *start = *start > 0 ? *start : 0;
    return (uint32_t)(end - *start);
}

static window window_at(const reds_op *op, int32_t y, int32_t x)
{
    const reds_layer *layer = op->layer;
    int32_t top = y * layer->stride[0] - layer->padding[0], left = x * layer->stride[1] - layer->padding[1];
    window w = {.rows = inside(&top, layer->kernel[0], op->from->height),
                .columns = inside(&left, layer->kernel[1], op->from->width)};
    w.first = op->in + (uint32_t)(top * op->from->width + left) * op->units_in;
    return w;
}

static int32_t sum(const reds_op *op, const window *w, uint32_t unit)
{
    uint32_t padding = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1] - w->rows * w->columns;
    int32_t total = (int32_t)padding * op->zero_in;
    const int8_t *line = w->first + unit;
    for (uint32_t y = 0; y < w->rows; y++, line += op->from->width * op->units_in) {
        for (uint32_t x = 0; x < w->columns; x++) {
            total += line[x * op->units_in];
        }
    }
    return total;
}

static int8_t largest(const reds_op *op, const window *w, uint32_t unit)
{
    const int8_t *line = w->first + unit;
    int8_t most = *line;
    for (uint32_t y = 0; y < w->rows; y++, line += op->from->width * op->units_in) {
        for (uint32_t x = 0; x < w->columns; x++) {
            int8_t value = line[x * op->units_in];
            most = value > most ? value : most;
        }
    }
    return most;
}

void reds_portable_average_pool(const reds_op *op)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++) {
            window w = window_at(op, y, x);
            for (uint32_t unit = 0; unit < op->units_out; unit++) {
                int32_t acc = bias[0] + bias[1] * sum(op, &w, unit);
                *out++ = reds_requantize(acc, multiplier[0], op->zero);
            }
        }
    }
}

void reds_portable_max_pool(const reds_op *op)
{
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++) {
            window w = window_at(op, y, x);
            for (uint32_t unit = 0; unit < op->units_out; unit++) {
                *out++ = largest(op, &w, unit);
            }
        }
    }
}
