/* Dense layers and convolutions for Helium. helium.h explains the layout. Windows are read in place. If the input
 * has padding, or the weights have room for units outside the subnet between those that it reads, scratch has a
 * copy of it. */
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
    bool tight = reds_helium_tight(layer, full), copied = reds_helium_copy_bytes(layer, op->from, op->units_in) > 0;
    size_t pitch = tight ? full : op->units_in;
    size_t line = pitch * ((uint32_t)op->from->width + layer->padding[1] + layer->padding[3]);
    reds_helium_rows rows = {
        .weights = op->weights,
        .x = copied ? op->scratch : op->in,
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
        .step = layer->stride[1] * pitch,
        .row = layer->stride[0] * line,
        .zero = op->zero,
    };
    if (copied) {
        reds_copy_input(op, (uint32_t)pitch, op->zero_in);
    }
    bool whole = layer->dilation[1] == 1 && full % REDS_HELIUM_CHUNK == 0 && pitch == full;
    if (tight || whole) {
        rows.inputs = columns * (uint32_t)pitch; /* of a row of the kernel */
    } else {
        rows.lines = rows.runs;
        rows.runs = columns;
        rows.line = rows.run - columns * layer->dilation[1] * pitch;
        rows.run = layer->dilation[1] * pitch;
        rows.inputs = (uint32_t)pitch;
        rows.gap = 64 * (reds_helium_chunks_of(full) - reds_helium_chunks_of(rows.inputs));
    }
    rows.run -= rows.inputs; /* the kernel has passed a run when it goes on to the next */
    reds_helium_multiply(&rows);
}

#endif
