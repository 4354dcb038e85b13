/* Depthwise convolution in the canonical layout, plain C: each unit reads one unit of the input. Weights are int8
 * [units][rows][columns]. A grouped convolution whose blocks read one unit runs here too: several units that it writes
 * read the same one.
 *
 * Padding has the value of the input's zero point. So a sum is bias + zero * (sum of all weights) + sum of
 * w * (x - zero) over the taps inside the input. Sums are modulo 2^32, since parts of one may leave int32, while the
 * whole does not. */
#include <string.h>

#include "portable.h"

enum { LANES = 4 }; /* units whose sums are in registers at once */

/* Taps of a window along one side that lie in the input: so many, from the first one on. */
typedef struct {
    int32_t first, count;
} taps;

/* Return the taps of a window from `start` on that lie in an input of `size` rows or columns. */
static taps inside(int32_t start, int32_t kernel, int32_t dilation, int32_t size)
{
    int32_t first = start < 0 ? (dilation - 1 - start) / dilation : 0;
    int32_t end = start < size ? (size - start + dilation - 1) / dilation : 0;
    end = end < kernel ? end : kernel;
    return (taps){first, end > first ? end - first : 0};
}

/* One layer as units side by side read it. */
typedef struct {
    const int8_t *weights; /* of the first unit */
    uint32_t window;       /* weights of a unit */
    uint32_t read;         /* the unit of the input that the first one reads */
    uint32_t start[LANES]; /* bias + zero * (sum of all weights) */
} units;

/* Return bias + zero * (sum of all weights) of a unit. */
static uint32_t start_of(int32_t bias, int32_t zero, const int8_t *weights, uint32_t window)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < window; i++) {
        sum += weights[i];
    }
    return (uint32_t)bias + (uint32_t)(zero * sum);
}

/* Add the taps of one window to the sums of `lanes` units: a constant at compile time. */
static inline void add_window(const reds_op *op, const units *u, uint32_t lanes, int32_t top, taps y,
                              int32_t left, taps x, uint32_t *acc)
{
    const reds_layer *layer = op->layer;
    int32_t down = layer->dilation[0], columns = layer->kernel[1], zero = op->zero_in;
    uint32_t across = layer->dilation[1] * op->units_in, window = u->window;
    left += x.first * layer->dilation[1];
    if (x.count == 0) {
        return;
    }
    for (int32_t i = y.first; i < y.first + y.count; i++) {
        int32_t position = (top + i * down) * op->from->width + left;
        const int8_t *in = op->in + (uint32_t)position * op->units_in + u->read;
        const int8_t *weight = u->weights + i * columns + x.first;
        for (const int8_t *end = weight + x.count; weight < end; weight++, in += across) {
            for (uint32_t k = 0; k < lanes; k++) {
                acc[k] += (uint32_t)(weight[k * window] * (in[k] - zero));
            }
        }
    }
}

/* Write `lanes` units from `unit` on at all positions; they read as many units from `read` on. */
static inline void write_units(const reds_op *op, uint32_t unit, uint32_t read, uint32_t lanes)
{
    const reds_layer *layer = op->layer;
    units u = {.window = (uint32_t)layer->kernel[0] * layer->kernel[1], .read = read};
    u.weights = (const int8_t *)op->weights + unit * u.window;
    for (uint32_t k = 0; k < lanes; k++) {
        u.start[k] = start_of(reds_biases(op)[unit + k], op->zero_in, u.weights + k * u.window, u.window);
    }
    const int32_t *multiplier = reds_multipliers(op) + unit;
    int8_t *out = op->out + unit;
    for (int32_t r = 0; r < op->to->height; r++) {
        int32_t top = r * layer->stride[0] - layer->padding[0];
        taps y = inside(top, layer->kernel[0], layer->dilation[0], op->from->height);
        for (int32_t c = 0; c < op->to->width; c++, out += op->units_out) {
            int32_t left = c * layer->stride[1] - layer->padding[1];
            uint32_t acc[LANES];
            memcpy(acc, u.start, sizeof acc);
            add_window(op, &u, lanes, top, y, left,
                       inside(left, layer->kernel[1], layer->dilation[1], op->from->width), acc);
            for (uint32_t k = 0; k < lanes; k++) {
                out[k] = reds_requantize((int32_t)acc[k], multiplier[k], op->zero);
            }
        }
    }
}

void reds_portable_depthwise(const reds_op *op)
{
    uint32_t each = op->layer->kind == REDS_GROUPED ? (uint32_t)op->to->units / op->layer->groups : 1,
             unit = 0;
    for (; each == 1 && unit + LANES <= op->units_out; unit += LANES) {
        write_units(op, unit, unit, LANES);
    }
    for (; unit < op->units_out; unit++) {
        write_units(op, unit, unit / each, 1);
    }
}
