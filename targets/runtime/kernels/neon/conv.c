/* Convolution for aarch64. neon.h explains layout and arithmetic.
 *
 * Windows are read in place. If the input has padding, or units that no quads hold, scratch has a copy of it
 * with its padding, each position followed by 0 up to a whole quad. The input of a transposed convolution is
 * spread out there. */
#include "neon.h"

#ifdef __aarch64__

/* Copy the input of a transposed convolution, with the zero point between its positions and around them. */
static void spread_out(const reds_op *op, uint32_t pitch, size_t bytes)
{
    const reds_layer *layer = op->layer;
    int8_t *to = op->scratch;
    memset(to, op->zero_in, op->units_in);
    memset(to + op->units_in, 0, pitch - op->units_in);
    for (size_t done = pitch; done < bytes; done *= 2) {
        memcpy(to + done, to, done < bytes - done ? done : bytes - done);
    }
    size_t line = pitch * reds_neon_side(layer, op->from, 1);
    to += (layer->kernel[0] - 1u - layer->padding[0]) * line;
    to += (layer->kernel[1] - 1u - layer->padding[1]) * pitch;
    const int8_t *in = op->in;
    for (uint32_t y = 0; y < op->from->height; y++, to += layer->stride[0] * line) {
        for (uint32_t x = 0; x < op->from->width; x++, in += op->units_in) {
            memcpy(to + x * layer->stride[1] * pitch, in, op->units_in);
        }
    }
}

void reds_neon_conv(const reds_op *op, reds_neon_inner inner)
{
    const reds_layer *layer = op->layer;
    uint32_t blocks = layer->groups, full = op->from->units / blocks, filters = op->to->units / blocks;
    uint32_t pitch = reds_neon_pitch(layer, op->from->units, op->units_in);
    uint32_t columns = layer->kernel[1], wide = (full + 3) / 4;
    bool transposed = layer->kind == REDS_TRANSPOSED;
    size_t copied = reds_neon_copy_bytes(layer, op->from, op->units_in);
    size_t line = pitch * reds_neon_side(layer, op->from, 1);
    reds_neon_rows rows = {
        .weights = op->weights,
        .x = copied > 0 ? op->scratch : op->in,
        .out = op->out,
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .rows = blocks > 1 ? filters : op->units_out,
        .apart = op->units_out,
        .groups = (filters + 3) / 4,
        .blocks = reds_neon_quads(layer, full),
        .lines = 1,
        .runs = layer->kernel[0],
        .run = layer->dilation[0] * line,
        .positions = reds_positions(op->to),
        .width = op->to->width,
        .step = (transposed ? 1 : (size_t)layer->stride[1]) * pitch,
        .row = (transposed ? 1 : layer->stride[0]) * line,
        .zero = op->zero,
    };
    if (transposed) {
        spread_out(op, pitch, copied - 4);
    } else if (copied > 0) {
        reds_copy_input(op, pitch, op->zero_in);
    }
    if (reds_neon_tight(layer, full) || (layer->dilation[1] == 1 && pitch == 4 * wide)) {
        rows.quads = (columns * pitch + 3) / 4; /* of a row of the kernel */
    } else {
        rows.lines = rows.runs;
        rows.line = rows.run;
        rows.runs = columns;
        rows.run = (size_t)layer->dilation[1] * pitch;
        rows.quads = (blocks > 1 ? full : pitch) / 4;
        rows.gap = wide - rows.quads;
        rows.line -= columns * rows.run;
    }
    rows.run -= 4 * rows.quads; /* the kernel has passed a run when it goes on to the next */
    for (uint32_t left = blocks > 1 ? op->units_in / full : 1; left > 0; left--) {
        inner(&rows);
        rows.weights += 4 * filters * rows.blocks;
        rows.x += full;
        rows.out += filters;
        rows.bias += filters;
        rows.multiplier += filters;
    }
}

#endif
