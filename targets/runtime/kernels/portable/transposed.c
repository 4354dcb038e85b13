/* Transposed convolution in the canonical layout, plain C: a convolution of stride 1 over the input spread out, with
 * stride - 1 rows and columns of the zero point between its own, and kernel - 1 - padding around it. Weights are int8
 * [full_out][rows][columns][full_in], already flipped.
 *
 * A sum is bias + zero * (sum of all weights) + sum of w * (x - zero). So the taps between the input's rows and columns
 * cost nothing. Sums are modulo 2^32, since parts of one may leave int32, while the whole does not. */
#include "portable.h"

/* Return the first tap of a window from `start` on that meets a row of the input. */
static int32_t first_tap(int32_t start, int32_t stride)
{
    int32_t past = start % stride;
    return past > 0 ? stride - past : -past;
}

static uint32_t tap(const reds_op *op, const int8_t *position, const int8_t *weights)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < op->units_in; i++) {
        sum += (uint32_t)(weights[i] * (position[i] - op->zero_in));
    }
    return sum;
}

/* Return the sum of w * (x - zero) over the window that begins at `top`, `left` of the input spread out. */
static uint32_t window(const reds_op *op, const int8_t *weights, int32_t top, int32_t left)
{
    const reds_layer *layer = op->layer;
    int32_t height = op->from->height, width = op->from->width, down = layer->stride[0],
            across = layer->stride[1];
    uint32_t acc = 0;
    for (int32_t i = first_tap(top, down); i < layer->kernel[0]; i += down) {
        for (int32_t j = first_tap(left, across); j < layer->kernel[1]; j += across) {
            int32_t y = (top + i) / down, x = (left + j) / across;
            if (y >= 0 && y < height && x >= 0 && x < width) {
                acc += tap(op, op->in + (uint32_t)(y * width + x) * op->units_in,
                           weights + (uint32_t)(i * layer->kernel[1] + j) * op->from->units);
            }
        }
    }
    return acc;
}

static int32_t sum_of(const reds_op *op, const int8_t *weights)
{
    int32_t sum = 0;
    for (uint32_t taps = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1]; taps > 0; taps--) {
        for (uint32_t i = 0; i < op->units_in; i++) {
            sum += weights[i];
        }
        weights += op->from->units;
    }
    return sum;
}

void reds_portable_transposed(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t row = (uint32_t)layer->kernel[0] * layer->kernel[1] * op->from->units;
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    const int8_t *weights = op->weights;
    int32_t top = layer->padding[0] + 1 - layer->kernel[0], left = layer->padding[1] + 1 - layer->kernel[1];
    for (uint32_t o = 0; o < op->units_out; o++, weights += row) {
        uint32_t all_zero = (uint32_t)bias[o] + (uint32_t)(op->zero_in * sum_of(op, weights));
        int8_t *out = op->out + o;
        for (int32_t y = 0; y < op->to->height; y++) {
            for (int32_t x = 0; x < op->to->width; x++, out += op->units_out) {
                int32_t acc = (int32_t)(all_zero + window(op, weights, top + y, left + x));
                *out = reds_requantize(acc, multiplier[o], op->zero);
            }
        }
    }
}
