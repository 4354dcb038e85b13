#include "windows.h"

/* Compute the windows of one line: those at the edges one by one, those between them at once. */
static void slide_along(const reds_op *op, void *layer, reds_slide compute, uint32_t side, int32_t line)
{
    int32_t count = side == 0 ? op->to->height : op->to->width;
    uint32_t width_in = op->from->width, width_out = op->to->width;
    uint32_t step_in = side == 0 ? width_in : 1, step_out = side == 0 ? width_out : 1;
    reds_taps across = reds_taps_of(op, 1 - side, line), along = reds_taps_of(op, side, 0);
    reds_windows w = {
        .line.in_apart = op->layer->stride[side] * step_in * op->units_in,
        .line.out_apart = step_out * op->units_out,
    };
    for (int32_t i = 0; i < count; i += (int32_t)w.line.count) {
        int32_t y = side == 0 ? i : line, x = side == 0 ? line : i;
        reds_taps next = along;
        w.rows = side == 0 ? along : across;
        w.columns = side == 0 ? across : along;
        w.line.out = op->out + ((uint32_t)y * width_out + (uint32_t)x) * op->units_out;
        w.line.in = op->in;
        if (along.count != 0 && across.count != 0) {
            w.line.in += ((uint32_t)w.rows.at * width_in + (uint32_t)w.columns.at) * op->units_in;
        }
        w.line.count = 0;
        while (reds_alike(&along, &next)) {
            w.line.count++;
            if (i + (int32_t)w.line.count == count) {
                break;
            }
            next = reds_taps_of(op, side, i + (int32_t)w.line.count);
        }
        compute(op, layer, &w);
        along = next;
    }
}

void reds_slide_over(const reds_op *op, void *layer, reds_slide compute)
{
    uint32_t side = op->to->height >= op->to->width ? 0 : 1;
    int32_t lines = side == 0 ? op->to->width : op->to->height;
    for (int32_t line = 0; line < lines; line++) {
        slide_along(op, layer, compute, side, line);
    }
}
