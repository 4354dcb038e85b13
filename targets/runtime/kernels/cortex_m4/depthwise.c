/* Depthwise convolution 3 x 3 for the Cortex-M4. cortex_m4.h explains layout and arithmetic.
 *
 * Scratch: four input lines with their padding, and one output position. Each line of the input is copied
 * once, into slot (line number modulo three). The fourth slot is a line of padding. The last position is
 * computed in scratch if its last word would reach past the end of the tensor. */
#include "cortex_m4.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

/* Compute the position after those of the line in a buffer, and copy just its units. */
static void last_position(const reds_m4_line *line, int8_t *buffer)
{
    reds_m4_line last = *line;
    for (uint32_t i = 0; i < 3; i++) {
        last.line[i] += line->positions * line->step;
    }
    last.positions = 1;
    last.out = buffer;
    reds_m4_depthwise(&last);
    memcpy(line->out + line->positions * line->units, buffer, line->units);
}

void reds_m4_run_depthwise(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in, width = op->from->width;
    uint32_t bytes = (width + layer->padding[1] + layer->padding[3]) * units;
    uint32_t size = (bytes + 7) / 4 * 4; /* words are read up to 3 bytes past the end */
    int8_t *slots = op->scratch, *outside = slots + 3 * size;
    memset(slots, op->zero_in, 4 * size);
    const reds_m4_table *table = op->table;
    reds_m4_line line = {
        .weights = op->weights,
        .table = table->rows,
        .bias_unit = 1 << table->bias_shift,
        .rounding = reds_m4_rounding(table, op->zero),
        .shift = table->shift,
        .out = op->out,
        .units = units,
        .step = layer->stride[1] * units,
        .groups = (units + 3) / 4,
    };
    int32_t copied = 0;
    for (int32_t y = 0; y < op->to->height; y++, line.out += op->to->width * units) {
        int32_t top = y * layer->stride[0] - layer->padding[0];
        for (int32_t i = 0; i < 3; i++) {
            int32_t row = top + i;
            bool inside = row >= 0 && row < op->from->height;
            int8_t *slot = slots + (uint32_t)(inside ? row % 3 : 0) * size;
            if (inside && row >= copied) {
                const int8_t *from = op->in + (uint32_t)row * width * units;
                reds_m4_copy(slot + layer->padding[1] * units, from, width * units);
                copied = row + 1;
            }
            line.line[i] = inside ? slot : outside;
        }
        bool ragged = y + 1 == op->to->height && units % 4 != 0;
        line.positions = op->to->width - (ragged ? 1u : 0u);
        if (line.positions != 0) {
            reds_m4_depthwise(&line);
        }
        if (ragged) {
            last_position(&line, outside + size);
        }
    }
}

#endif
