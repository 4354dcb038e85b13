/* Depthwise convolution in the canonical layout, plain C. Weights are int8 [units][rows][columns]. Padding
 * has the value of the input's zero point. */
#include "portable.h"

static int32_t window(const reds_op *op, uint32_t unit, int32_t top, int32_t left)
{
    const reds_layer *layer = op->layer;
    const int8_t *weight = (const int8_t *)op->weights + unit * layer->kernel[0] * layer->kernel[1];
    int32_t acc = 0, height = op->from->height, width = op->from->width;
    int32_t bottom = top + layer->kernel[0] * layer->dilation[0];
    int32_t right = left + layer->kernel[1] * layer->dilation[1];
    for (int32_t y = top; y < bottom; y += layer->dilation[0]) {
        for (int32_t x = left; x < right; x += layer->dilation[1]) {
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            int32_t value = inside ? op->in[(uint32_t)(y * width + x) * op->units_in + unit] : op->zero_in;
            acc += *weight++ * value;
        }
    }
    return acc;
}

void reds_portable_depthwise(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++) {
            int32_t top = y * layer->stride[0] - layer->padding[0],
                    left = x * layer->stride[1] - layer->padding[1];
            for (uint32_t unit = 0; unit < op->units_out; unit++) {
                int32_t acc = bias[unit] + window(op, unit, top, left);
                *out++ = reds_requantize(acc, multiplier[unit], op->zero);
            }
        }
    }
}
