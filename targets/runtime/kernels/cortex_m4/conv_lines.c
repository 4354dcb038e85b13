/* Sizes of convolutions for the Cortex-M4, and the lines that their windows read. conv.h explains them. */
#include "conv.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t reds_m4_conv_quads(const reds_layer *layer, const reds_tensor *from)
{
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1], units = from->units;
    return units < 4 ? (taps * units + 3) / 4 : taps * ((units + 3) / 4);
}

bool reds_m4_conv_tight(const reds_layer *layer, const reds_tensor *from, uint32_t units_in)
{
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1], quads = (taps * units_in + 3) / 4;
    uint32_t gaps = taps * ((units_in + 3) / 4) - quads;
    uint32_t groups = layer->weights_bytes / 16 / reds_m4_conv_quads(layer, from);
    return taps > 1 && from->units >= 4 && 8 * gaps >= quads + gaps &&
           (quads <= 8 || groups * quads <= REDS_M4_FEW_TIGHT);
}

reds_m4_conv reds_m4_conv_of(const reds_layer *layer, const reds_tensor *from, uint32_t units_in, bool tight)
{
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1];
    uint32_t full_quads = reds_m4_conv_quads(layer, from);
    bool flat = from->units < 4 && taps > 1;
    bool copied = reds_padded(layer) || flat || (units_in % 4 != 0 && taps > 1);
    reds_m4_conv conv = {
        .taps = taps,
        .flat = flat,
        .nines =
            from->units == 3 && layer->kernel[0] == 3 && layer->kernel[1] == 3 && layer->dilation[1] == 1,
        .tight = tight,
        .copied = copied,
        .direct = taps == 1 && layer->stride[0] == 1 && layer->stride[1] == 1,
        .pitch = units_in,
        .quads = taps * ((units_in + 3) / 4),
        .full_quads = full_quads,
        .groups = layer->weights_bytes / 16 / full_quads,
    };
    if (flat) {
        conv.pitch = from->units;
        conv.quads = full_quads;
    } else if (tight) {
        conv.quads = (taps * units_in + 3) / 4;
    } else if (taps > 1) {
        conv.pitch = (units_in + 3) / 4 * 4;
    }
    conv.stationary = conv.quads <= 8;
    bool words = !flat || (layer->kernel[1] * from->units % 4 == 0 && layer->dilation[1] == 1);
    if (words && !conv.stationary) {
        conv.chunked = tight || conv.groups * conv.quads <= REDS_M4_FEW;
        conv.block = least(REDS_M4_BLOCK, REDS_M4_BLOCK_BYTES / 8 / conv.quads * 2);
    }
    if (copied) { /* words are read up to three bytes past the last position */
        uint32_t positions = (uint32_t)from->width + layer->padding[1] + layer->padding[3];
        conv.line_bytes = (positions * conv.pitch + 7) / 4 * 4;
        conv.slots = least((layer->kernel[0] - 1u) * layer->dilation[0] + 1, from->height);
    }
    return conv;
}

/* Return the scratch of one of the two ways to bring windows to the kernels. */
static uint32_t scratch_of(const reds_layer *layer, const reds_tensor *from, uint32_t units_in, bool tight)
{
    reds_m4_conv conv = reds_m4_conv_of(layer, from, units_in, tight);
    uint32_t outside = reds_padded(layer) ? 1 : 0, flat = conv.flat ? 4 * conv.quads + 4 : 0;
    uint32_t rest = tight ? 0 : 16 * conv.quads + (4 * REDS_M4_RECORD + 4) * conv.groups + flat;
    if (conv.stationary) {
        bool direct = conv.direct && units_in % 4 == 0;
        uint32_t windows = direct ? 4 : REDS_M4_LEAST_BLOCK, streams = direct ? 1 : conv.groups;
        uint32_t stationary = (16 * conv.quads + 32) * streams + 4 * conv.quads * windows + 4;
        rest = stationary > rest ? stationary : rest;
    }
    return 4u * layer->kernel[0] + (conv.slots + outside) * conv.line_bytes + rest;
}

uint32_t reds_m4_conv_scratch(const reds_layer *layer, const reds_tensor *from, uint32_t units_in)
{
    uint32_t bytes = scratch_of(layer, from, units_in, false);
    if (reds_m4_conv_tight(layer, from, units_in)) {
        uint32_t tight = scratch_of(layer, from, units_in, true);
        bytes = tight > bytes ? tight : bytes;
    }
    return bytes;
}

/* Fill lines with the padding; units outside a subnet that its words reach are 0. */
static void fill_lines(const reds_m4_input *input, uint32_t lines)
{
    const reds_op *op = input->op;
    uint32_t pitch = input->conv.pitch, bytes = input->conv.line_bytes;
    reds_m4_fill(input->slots, op->zero_in, lines * bytes);
    for (uint32_t unit = op->units_in; unit < pitch; unit++) {
        for (uint32_t line = 0; line < lines; line++) {
            for (uint32_t at = line * bytes + unit; at < (line + 1) * bytes; at += pitch) {
                input->slots[at] = 0;
            }
        }
    }
}

reds_m4_input reds_m4_input_of(const reds_op *op, bool tight)
{
    reds_m4_input input = {
        .op = op,
        .conv = reds_m4_conv_of(op->layer, op->from, op->units_in, tight),
        .lines = op->scratch,
    };
    input.slots = (int8_t *)(input.lines + op->layer->kernel[0]);
    uint32_t lines = input.conv.slots;
    if (reds_padded(op->layer)) {
        lines++;
        fill_lines(&input, lines);
    }
    input.rest = input.slots + lines * input.conv.line_bytes;
    return input;
}

static int8_t *slot_of(const reds_m4_input *input, int32_t row)
{
    return input->slots + (uint32_t)row % input->conv.slots * input->conv.line_bytes;
}

/* Copy a line of the input; units outside a subnet that its words reach are 0. */
static void copy_line(const reds_m4_input *input, int32_t row)
{
    const reds_op *op = input->op;
    int8_t *to = slot_of(input, row);
    uint32_t units = op->units_in, pitch = input->conv.pitch, width = op->from->width;
    const int8_t *from = op->in + (uint32_t)row * width * units;
    to += op->layer->padding[1] * pitch;
    if (units == pitch) {
        reds_m4_copy(to, from, width * units);
    } else if (input->conv.flat) {
        for (uint32_t at = 0; at < width * pitch; at++) {
            to[at] = (int8_t)(at % pitch < units ? *from++ : 0);
        }
    } else { /* the last position apart: its last word reaches past it */
        if (width > 1) {
            reds_m4_spread(to, from, width - 1, units);
        }
        to += (width - 1) * pitch;
        memset(to + pitch - 4, 0, 4);
        memcpy(to, from + (width - 1) * units, units);
    }
}

void reds_m4_set_lines(reds_m4_input *input, uint32_t y)
{
    const reds_op *op = input->op;
    const reds_m4_conv *conv = &input->conv;
    int32_t row = (int32_t)(y * op->layer->stride[0]) - op->layer->padding[0];
    input->next = row > input->next ? row : input->next;
    for (uint32_t i = 0; i < op->layer->kernel[0]; i++, row += op->layer->dilation[0]) {
        if (row < 0 || row >= op->from->height) {
            input->lines[i] = input->slots + conv->slots * conv->line_bytes;
        } else if (!conv->copied) {
            input->lines[i] = op->in + (uint32_t)row * op->from->width * conv->pitch;
        } else {
            for (; input->next <= row;
                 input->next++) { /* dilated windows of the next rows need those between */
                copy_line(input, input->next);
            }
            input->lines[i] = slot_of(input, row);
        }
    }
}

reds_m4_walk reds_m4_gathering(const reds_m4_input *input)
{
    const reds_layer *layer = input->op->layer;
    uint32_t pitch = input->conv.pitch, columns = layer->kernel[1];
    bool whole = layer->dilation[1] == 1;
    uint32_t bytes = whole ? columns * pitch : pitch;
    return (reds_m4_walk){
        .lines = input->lines,
        .rows = layer->kernel[0],
        .runs = whole ? 1 : columns,
        .run_step = layer->dilation[1] * pitch,
        .bytes = bytes,
        .copies = (bytes + 3) / 4,
        .step = layer->stride[1] * pitch,
        .window = 4 * input->conv.quads,
    };
}

#endif
