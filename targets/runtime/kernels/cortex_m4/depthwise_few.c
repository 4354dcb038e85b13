/* Depthwise layers of few outputs for the Cortex-M4: four units at a time, tap by tap, where lines would be too short
 * to be worth copying.
 *
 * Scratch: where each position of a window is, then a position of padding. */
#include "depthwise.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

#define AT(field, offset)                                       \
    _Static_assert(offsetof(reds_m4_window, field) == (offset), \
                   "depthwise_offsets.h: " #field " is not at " #offset)

AT(positions, WINDOW_POSITIONS);
AT(taps, WINDOW_TAPS);
AT(weights, WINDOW_WEIGHTS);
AT(table, WINDOW_TABLE);
AT(out, WINDOW_OUT);
AT(units, WINDOW_UNITS);
AT(bias_unit, WINDOW_BIAS_UNIT);
AT(scale, WINDOW_SCALE);
AT(zero_less_1, WINDOW_ZERO_LESS_1);

uint32_t reds_m4_few_scratch(const reds_layer *layer, uint32_t units)
{
    return 4u * layer->kernel[0] * layer->kernel[1] + units;
}

/* Set where the positions of the window of the output y, x are. */
static void find(const reds_op *op, uint32_t y, uint32_t x, const int8_t **positions, const int8_t *padding)
{
    const reds_layer *layer = op->layer;
    uint32_t row = y * layer->stride[0] - layer->padding[0], left = x * layer->stride[1] - layer->padding[1];
    for (uint32_t i = 0; i < layer->kernel[0]; i++, row += layer->dilation[0]) {
        uint32_t column = left; /* what is negative is too large */
        for (uint32_t j = 0; j < layer->kernel[1]; j++, column += layer->dilation[1]) {
            bool inside = row < op->from->height && column < op->from->width;
            *positions++ = inside ? op->in + (row * op->from->width + column) * op->units_in : padding;
        }
    }
}

/* Compute a window of one to three units. */
static void compute_few(const reds_op *op, const reds_m4_window *w)
{
    for (uint32_t u = 0; u < w->units; u++) {
        int32_t sum = (int16_t)w->table[u] * w->bias_unit;
        for (uint32_t i = 0; i < w->taps; i++) {
            sum += w->positions[i][u] * w->weights[u * w->taps + i];
        }
        int32_t multiplier = ((int32_t)w->table[u] >> 16) * (1 << w->scale);
        w->out[u] = reds_requantize(sum, multiplier, op->zero);
    }
}

void reds_m4_depthwise_few(const reds_op *op)
{
    const reds_m4_table *table = op->table;
    const int8_t **positions = op->scratch;
    reds_m4_window w = {.positions = positions,
                        .taps = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1],
                        .weights = op->weights,
                        .table = table->rows,
                        .out = op->out,
                        .units = op->units_in,
                        .bias_unit = 1 << table->bias_shift,
                        .scale = 16u - table->shift,
                        .zero_less_1 = op->zero - 1};
    int8_t *padding = (int8_t *)(positions + w.taps);
    memset(padding, op->zero_in, w.units);
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++, w.out += w.units) {
            find(op, y, x, positions, padding);
            if (w.units < 4) {
                compute_few(op, &w);
            } else {
                reds_m4_compute_window(&w);
            }
        }
    }
}

#endif
