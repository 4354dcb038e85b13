/* Layers that move values, for the Cortex-M4. */
#include "values.h"

#ifdef __ARM_FEATURE_DSP

/* Four units at a time; the last ones come with some of those before. */
void reds_m4_run_flatten(const reds_op *op)
{
    uint32_t positions = reds_positions(op->from), units = op->units_in;
    if (positions == 1) {
        reds_m4_copy(op->out, op->in, units);
        return;
    }
    if (units < 4 || positions < 4) {
        reds_portable_flatten(op);
        return;
    }
    for (uint32_t unit = 0; unit < units; unit += 4) {
        uint32_t first = unit + 4 <= units ? unit : units - 4;
        reds_m4_turn(op->in + first, op->out + first * positions, units, positions);
    }
}

void reds_m4_run_reshape(const reds_op *op)
{
    reds_m4_copy(op->out, op->in, reds_positions(op->to) * op->units_out);
}

/* Repeat positions in a line, then the line. */
void reds_m4_run_upsample(const reds_op *op)
{
    uint32_t units = op->units_out, line = op->to->width * units;
    const int8_t *in = op->in;
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->from->height; y++) {
        const int8_t *first = out;
        for (uint32_t x = 0; x < op->from->width; x++, in += units) {
            for (uint32_t k = 0; k < op->layer->stride[1]; k++, out += units) {
                reds_m4_copy(out, in, units);
            }
        }
        for (uint32_t k = 1; k < op->layer->stride[0]; k++, out += line) {
            reds_m4_copy(out, first, line);
        }
    }
}

#endif
