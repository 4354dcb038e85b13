/* Convolution for aarch64. neon.h explains layout and arithmetic.
 *
 * Windows are read in place. If the input has padding, or units that no quads hold, scratch has a copy of it
 * with its padding, each position followed by 0 up to a whole quad. */
#include "neon.h"

#ifdef __aarch64__

/* Copy the units of a position. */
static void copy(int8_t *to, const int8_t *from, uint32_t n)
{
    if (n >= 16) {
        for (uint32_t i = 0; i < n - 16; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16); /* may write some bytes twice */
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
    }
}

/* Write positions of the padding, and return their end. */
static int8_t *outside(const reds_op *op, int8_t *to, uint32_t positions, uint32_t pitch)
{
    memset(to, op->zero_in, (size_t)positions * pitch);
    for (uint32_t i = 0; i < positions && pitch > op->units_in; i++) {
        memset(to + i * pitch + op->units_in, 0, pitch - op->units_in);
    }
    return to + (size_t)positions * pitch;
}

/* Write positions of the input, and return their end. */
static int8_t *inside(const reds_op *op, int8_t *to, const int8_t *from, uint32_t pitch)
{
    uint32_t units = op->units_in, width = op->from->width;
    if (pitch == units) {
        copy(to, from, width * units);
        return to + width * units;
    }
    for (uint32_t i = 0; i < width; i++, to += pitch, from += units) {
        int32_t none = 0;
        memcpy(to + (pitch >= 4 ? pitch - 4 : 0), &none, pitch >= 4 ? 4 : pitch);
        copy(to, from, units);
    }
    return to;
}

static void copy_input(const reds_op *op, uint32_t pitch)
{
    const uint8_t *padding = op->layer->padding;
    uint32_t width = op->from->width, line = padding[1] + width + padding[3];
    int8_t *to = outside(op, op->scratch, padding[0] * line, pitch);
    const int8_t *from = op->in;
    for (uint32_t y = 0; y < op->from->height; y++, from += width * op->units_in) {
        to = outside(op, to, padding[1], pitch);
        to = inside(op, to, from, pitch);
        to = outside(op, to, padding[3], pitch);
    }
    outside(op, to, padding[2] * line, pitch);
}

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
        copy_input(op, pitch);
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
