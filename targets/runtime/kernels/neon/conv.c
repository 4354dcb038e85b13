/* Convolution for aarch64. neon.h explains layout and arithmetic.
 *
 * Windows are read in place. If the input has padding, or units that no quads hold, scratch has a copy of it
 * with its padding, each position followed by 0 up to a whole quad. */
#include "neon.h"

#ifdef __aarch64__

void reds_neon_conv(const reds_op *op, reds_neon_inner inner)
{
    const reds_layer *layer = op->layer;
    uint32_t full = op->from->units, pitch = reds_neon_pitch(layer, full, op->units_in);
    uint32_t columns = layer->kernel[1], wide = (full + 3) / 4;
    bool copied = reds_neon_copy_bytes(layer, op->from, op->units_in) > 0;
    size_t line = (size_t)pitch * ((uint32_t)op->from->width + layer->padding[1] + layer->padding[3]);
    reds_neon_rows rows = {
        .weights = op->weights,
        .x = copied ? op->scratch : op->in,
        .out = op->out,
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .rows = op->units_out,
        .groups = (op->to->units + 3u) / 4,
        .blocks = reds_neon_quads(layer, full),
        .lines = 1,
        .runs = layer->kernel[0],
        .run = layer->dilation[0] * line,
        .positions = reds_positions(op->to),
        .width = op->to->width,
        .step = (size_t)layer->stride[1] * pitch,
        .row = layer->stride[0] * line,
        .zero = op->zero,
    };
    if (copied) {
        reds_copy_input(op, pitch, op->zero_in);
    }
    if (reds_neon_tight(layer, full) || (layer->dilation[1] == 1 && pitch == 4 * wide)) {
        rows.quads = (columns * pitch + 3) / 4; /* of a row of the kernel */
    } else {
        rows.lines = rows.runs;
        rows.line = rows.run;
        rows.runs = columns;
        rows.run = (size_t)layer->dilation[1] * pitch;
        rows.quads = pitch / 4;
        rows.gap = wide - rows.quads;
        rows.line -= columns * rows.run;
    }
    rows.run -= 4 * rows.quads; /* the kernel has passed a run when it goes on to the next */
    inner(&rows);
}

#endif
