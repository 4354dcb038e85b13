/* Convolution in the canonical layout, plain C. Weights are int8 [full_out][rows][columns][full_in]; a
 * subnet reads the first units_in of every tap of the first units_out filters. Padding has the value of
 * the input's zero point. */
#include "portable.h"

/* Return the sum of one tap over the input units. `position` is NULL in the padding. */
static int32_t tap(const int8_t *position, const int8_t *weights, const reds_op *op)
{
    int32_t sum = 0;
    if (position == NULL) {
        for (uint32_t i = 0; i < op->units_in; i++) {
            sum += weights[i];
        }
        return sum * op->zero_in;
    }
    for (uint32_t i = 0; i < op->units_in; i++) {
        sum += weights[i] * position[i];
    }
    return sum;
}

/* Return the sum of one filter over one window, which begins at `top`, `left`: negative in the padding. */
static int32_t window(const reds_op *op, const int8_t *weights, int32_t top, int32_t left)
{
    int32_t acc = 0, height = op->from->height, width = op->from->width;
    for (int32_t y = top; y < top + op->layer->kernel[0]; y++) {
        for (int32_t x = left; x < left + op->layer->kernel[1]; x++, weights += op->from->units) {
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            acc += tap(inside ? op->in + (uint32_t)(y * width + x) * op->units_in : NULL, weights, op);
        }
    }
    return acc;
}

void reds_portable_conv(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t row = (uint32_t)layer->kernel[0] * layer->kernel[1] * op->from->units;
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++) {
            int32_t top = y * layer->stride[0] - layer->padding[0],
                    left = x * layer->stride[1] - layer->padding[1];
            const int8_t *weights = op->weights;
            for (uint32_t o = 0; o < op->units_out; o++, weights += row) {
                int32_t acc = bias[o] + window(op, weights, top, left);
                *out++ = reds_requantize(acc, multiplier[o], op->zero);
            }
        }
    }
}
