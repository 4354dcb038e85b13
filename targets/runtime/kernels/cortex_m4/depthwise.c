/* Depthwise convolution for the Cortex-M4, 3 x 3 or along a line. cortex_m4.h explains layout and arithmetic.
 *
 * Scratch of 3 x 3: four input lines with their padding, and one output position. Each line of the input is
 * copied once, into slot (line number modulo three). The fourth slot is a line of padding. Along a line,
 * scratch holds that line with its padding, and one output position. The last position is computed in scratch
 * if its last word would reach past the end of the tensor. */
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

/* Compute positions that lie one after the other and end with the tensor if `end` is set. */
static void compute(reds_m4_line *line, uint32_t positions, bool end, int8_t *buffer)
{
    bool ragged = end && line->units % 4 != 0;
    line->positions = positions - (ragged ? 1u : 0u);
    if (line->positions != 0) {
        reds_m4_depthwise(line);
    }
    if (ragged) {
        last_position(line, buffer);
    }
}

/* Compute all positions of a tensor of one row or one column: one of their paddings is 0. */
static void run_along(const reds_op *op, reds_m4_line *line, uint32_t size)
{
    const uint8_t *padding = op->layer->padding;
    uint32_t units = op->units_in, positions = (uint32_t)op->from->height * op->from->width;
    int8_t *copy = op->scratch;
    memset(copy, op->zero_in, size);
    reds_m4_copy(copy + (uint32_t)(padding[0] + padding[1]) * units, op->in, positions * units);
    for (uint32_t i = 0; i < 3; i++) {
        line->line[i] = copy + 3 * i * units;
    }
    bool column = op->from->width == 1 && op->layer->kernel[1] == 1;
    line->step = op->layer->stride[column ? 0 : 1] * units;
    compute(line, (uint32_t)op->to->height * op->to->width, true, copy + size);
}

void reds_m4_run_depthwise(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in, width = op->from->width;
    uint32_t size = reds_m4_line_bytes(layer, op->from, units);
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
    if (!reds_m4_square(layer)) {
        run_along(op, &line, size);
        return;
    }
    int8_t *slots = op->scratch, *outside = slots + 3 * size;
    memset(slots, op->zero_in, 4 * size);
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
        compute(&line, op->to->width, y + 1 == op->to->height, outside + size);
    }
}

#endif
