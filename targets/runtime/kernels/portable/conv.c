/* Convolution in the canonical layout, plain C, grouped or not, dilated or not. Weights are int8
 * [full_out][rows][columns][full_in / groups]; a subnet reads the first units of every tap of the first units_out
 * filters. A filter of a grouped convolution reads all units of its own block. Padding has the value of the input's
 * zero point. */
#include "portable.h"

/* How a filter reads a tap: so many units, and so many weights from one tap to the next. */
typedef struct {
    uint32_t reads, apart;
} taps;

/* Return the sum of one tap over the input units. `position` is NULL in the padding. */
static int32_t tap(const int8_t *position, const int8_t *weights, uint32_t reads, int32_t zero)
{
    int32_t sum = 0;
    if (position == NULL) {
        for (uint32_t i = 0; i < reads; i++) {
            sum += weights[i];
        }
        return sum * zero;
    }
    for (uint32_t i = 0; i < reads; i++) {
        sum += weights[i] * position[i];
    }
    return sum;
}

/* Return the sum of one filter over one window of the input `in`, which begins at `top`, `left`: negative in the
 * padding. */
static int32_t window(const reds_op *op, const int8_t *in, const int8_t *weights, taps t, int32_t top,
                      int32_t left)
{
    const reds_layer *layer = op->layer;
    int32_t acc = 0, height = op->from->height, width = op->from->width;
    int32_t bottom = top + layer->kernel[0] * layer->dilation[0];
    int32_t right = left + layer->kernel[1] * layer->dilation[1];
    for (int32_t y = top; y < bottom; y += layer->dilation[0]) {
        for (int32_t x = left; x < right; x += layer->dilation[1], weights += t.apart) {
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            const int8_t *position = inside ? in + (uint32_t)(y * width + x) * op->units_in : NULL;
            acc += tap(position, weights, t.reads, op->zero_in);
        }
    }
    return acc;
}

void reds_portable_conv(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    if (layer->kind == REDS_GROUPED && op->from->units == layer->groups) {
        reds_portable_depthwise(op);
        return;
    }
    taps t = {.apart = op->from->units / layer->groups};
    t.reads = layer->kind == REDS_GROUPED ? t.apart : op->units_in;
    uint32_t row = (uint32_t)layer->kernel[0] * layer->kernel[1] * t.apart;
    uint32_t block = op->to->units / layer->groups;
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++) {
            int32_t top = y * layer->stride[0] - layer->padding[0],
                    left = x * layer->stride[1] - layer->padding[1];
            const int8_t *weights = op->weights;
            for (uint32_t o = 0; o < op->units_out; o++, weights += row) {
                const int8_t *in = op->in + o / block * t.apart;
                int32_t acc = bias[o] + window(op, in, weights, t, top, left);
                *out++ = reds_requantize(acc, multiplier[o], op->zero);
            }
        }
    }
}
