/* Depthwise 3 x 3 for the Cortex-M4; cortex_m4.h has the contract.
 *
 * Scratch: four lines of sites with their padding, and one site. Each line of the input is copied once, into
 * the slot that its number modulo three gives; the fourth stands for lines above and below. The last site
 * goes by the one in scratch where words would pass the end of the tensor. */
#include "cortex_m4.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

/* The site after those of the line, without writing past it. */
static void last_site(const reds_m4_line *line, int8_t *buffer)
{
    reds_m4_line last = *line;
    for (uint32_t i = 0; i < 3; i++) {
        last.line[i] += line->sites * line->step;
    }
    last.sites = 1;
    last.out = buffer;
    reds_m4_depthwise(&last);
    memcpy(line->out + line->sites * line->units, buffer, line->units);
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
        line.sites = op->to->width - (ragged ? 1u : 0u);
        if (line.sites != 0) {
            reds_m4_depthwise(&line);
        }
        if (ragged) {
            last_site(&line, outside + size);
        }
    }
}

#endif
