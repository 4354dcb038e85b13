/* Dense layers and convolutions for Helium. helium.h explains the layout. Windows of few units
 * are gathered, others are read in place. If the input has padding, or the gathered windows have room for units
 * outside the subnet, scratch has a copy of it, and then the windows. */
#include "helium.h"

#ifdef REDS_HELIUM

void reds_helium_dense(const reds_op *op)
{
    const reds_helium_rows rows = {
        .weights = op->weights,
        .x = op->in,
        .out = op->out,
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .rows = op->units_out,
        .group = 64 * reds_helium_chunks_of(op->from->units),
        .lines = 1,
        .runs = 1,
        .inputs = op->units_in,
        .positions = 1,
        .width = 1,
        .zero = op->zero,
    };
    reds_helium_multiply(&rows);
}

void reds_helium_conv(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t full = op->from->units, columns = layer->kernel[1];
    uint32_t pitch = reds_helium_pitch(layer, full, op->units_in);
    size_t copied = reds_helium_copy_bytes(layer, op->from, op->units_in);
    size_t line = (size_t)pitch * ((uint32_t)op->from->width + layer->padding[1] + layer->padding[3]);
    reds_helium_rows rows = {
        .weights = op->weights,
        .x = copied > 0 ? op->scratch : op->in,
        .out = op->out,
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .rows = op->units_out,
        .group = 64 * reds_helium_chunks(layer, full),
        .lines = 1,
        .runs = layer->kernel[0],
        .run = layer->dilation[0] * line,
        .positions = reds_positions(op->to),
        .width = op->to->width,
        .step = layer->stride[1] * (size_t)pitch,
        .row = layer->stride[0] * line,
        .zero = op->zero,
    };
    if (copied > 0) {
        reds_copy_input(op, pitch, op->zero_in);
    }
    if (reds_helium_tight(layer, full)) {
        rows.windows = (int8_t *)op->scratch + copied;
        rows.gathered = columns * pitch;
        rows.kernel_rows = rows.runs;
        rows.kernel_line = rows.run;
        rows.inputs = rows.runs * columns * pitch;
        rows.runs = 1;
    } else if (layer->dilation[1] == 1 && full % REDS_HELIUM_CHUNK == 0 && pitch == full) {
        rows.inputs = columns * pitch; /* of a row of the kernel */
    } else {
        rows.lines = rows.runs;
        rows.runs = columns;
        rows.line = rows.run - columns * layer->dilation[1] * (size_t)pitch;
        rows.run = layer->dilation[1] * (size_t)pitch;
        rows.inputs = pitch;
        rows.gap = 64 * (reds_helium_chunks_of(full) - reds_helium_chunks_of(pitch));
    }
    rows.run -=
        REDS_HELIUM_CHUNK * reds_helium_chunks_of(rows.inputs); /* as the kernel has passed them by then */
    reds_helium_multiply(&rows);
}

#endif
