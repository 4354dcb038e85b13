/* Average pooling for the Cortex-M4, four units at a time. A halfword holds the sum of up to 256 values. */
#include "cortex_m4.h"

#ifdef __ARM_FEATURE_DSP

static void window(const reds_op *op, const int32_t *multiplier, const int8_t *first, int8_t *out)
{
    const int32_t *bias = reds_biases(op);
    uint32_t even = 0, odd = 0, down = op->from->width * op->units_in;
    for (uint32_t y = 0; y < op->layer->kernel[0]; y++, first += down) {
        const int8_t *position = first;
        for (uint32_t x = 0; x < op->layer->kernel[1]; x++, position += op->units_in) {
            uint32_t word = *(const uint32_t *)(const void *)position;
            even = reds_m4_sadd16(even, reds_m4_sxtb16(word));
            odd = reds_m4_sadd16(odd, reds_m4_sxtb16_high(word));
        }
    }
    const int16_t sums[4] = {(int16_t)even, (int16_t)odd, (int16_t)(even >> 16), (int16_t)(odd >> 16)};
    for (uint32_t u = 0; u < 4; u++) {
        out[u] = reds_requantize(bias[0] + bias[1] * sums[u], multiplier[0], op->zero);
    }
}

void reds_m4_run_average_pool(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    if (op->units_in % 4 != 0 || (uint32_t)layer->kernel[0] * layer->kernel[1] > 256) {
        reds_portable_average_pool(op);
        return;
    }
    const int32_t *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++) {
            uint32_t position = y * layer->stride[0] * op->from->width + x * layer->stride[1];
            for (uint32_t unit = 0; unit < op->units_in; unit += 4, out += 4) {
                window(op, multiplier, op->in + position * op->units_in + unit, out);
            }
        }
    }
}

#endif
