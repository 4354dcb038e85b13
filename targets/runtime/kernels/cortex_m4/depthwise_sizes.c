/* How a depthwise layer is cut into strips. depthwise.h explains them; m4_depthwise.py of reds computes the same. */
#include "depthwise.h"

#ifdef __ARM_FEATURE_DSP

#define AT(type, field, offset) \
    _Static_assert(offsetof(type, field) == (offset), "depthwise_offsets.h: " #field " is not at " #offset)

AT(reds_m4_strip, x, STRIP_X);
AT(reds_m4_strip, weights, STRIP_WEIGHTS);
AT(reds_m4_strip, out, STRIP_OUT);
AT(reds_m4_strip, table, STRIP_TABLE);
AT(reds_m4_strip, units, STRIP_UNITS);
AT(reds_m4_strip, unit_bytes, STRIP_UNIT_BYTES);
AT(reds_m4_strip, weights_bytes, STRIP_WEIGHTS_BYTES);
AT(reds_m4_strip, tap, STRIP_TAP);
AT(reds_m4_strip, row, STRIP_ROW);
AT(reds_m4_strip, bias_unit, STRIP_BIAS_UNIT);
AT(reds_m4_strip, scale, STRIP_SCALE);
AT(reds_m4_strip, zero_less_1, STRIP_ZERO_LESS_1);
AT(reds_m4_strip, lines, STRIP_LINES);
AT(reds_m4_strip, rows, STRIP_ROWS);
AT(reds_m4_strip, row_bytes, STRIP_ROW_BYTES);
AT(reds_m4_strip, pairs, STRIP_PAIRS);
AT(reds_m4_strip, blocks, STRIP_BLOCKS);
AT(reds_m4_strip, rest, STRIP_REST);
AT(reds_m4_strip, next_x, STRIP_NEXT_X);
AT(reds_m4_strip, next_out, STRIP_NEXT_OUT);
AT(reds_m4_strip, site, STRIP_SITE);
AT(reds_m4_strip, step, STRIP_STEP);
_Static_assert(sizeof(reds_m4_strip) == STRIP_BYTES, "depthwise_offsets.h: STRIP_BYTES");

AT(reds_m4_lines, step, LINES_STEP);
AT(reds_m4_lines, head, LINES_HEAD);
AT(reds_m4_lines, pairs, LINES_PAIRS);
AT(reds_m4_lines, last, LINES_LAST);
AT(reds_m4_lines, padding, LINES_PADDING);
AT(reds_m4_lines, lines, LINES_LINES);
AT(reds_m4_lines, line_step, LINES_LINE_STEP);
AT(reds_m4_lines, unit_bytes, LINES_UNIT_BYTES);

AT(reds_m4_weights, tap, WEIGHTS_TAP);
AT(reds_m4_weights, row, WEIGHTS_ROW);
AT(reds_m4_weights, pairs, WEIGHTS_PAIRS);
AT(reds_m4_weights, odd, WEIGHTS_ODD);
AT(reds_m4_weights, zero, WEIGHTS_ZERO);
AT(reds_m4_weights, rows, WEIGHTS_ROWS);
AT(reds_m4_weights, unit, WEIGHTS_UNIT);
AT(reds_m4_weights, units, WEIGHTS_UNITS);

bool reds_m4_is_depthwise(const reds_layer *layer, const reds_tensor *from)
{
    return layer->kind == REDS_DEPTHWISE || (layer->kind == REDS_GROUPED && layer->groups == from->units);
}

enum { UNROLLED = 9 }; /* taps of a row, at most */

static uint32_t divided_up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Return the rows (side 0) or columns (side 1) of a layer. */
static reds_m4_side side_of(const reds_layer *layer, const reds_tensor *from, uint32_t side)
{
    uint32_t in = side == 0 ? from->height : from->width;
    uint32_t span = (layer->kernel[side] - 1u) * layer->dilation[side] + 1;
    reds_m4_side s = {
        .in = in,
        .out = (in + layer->padding[side] + layer->padding[side + 2] - span) / layer->stride[side] + 1,
        .kernel = layer->kernel[side],
        .stride = layer->stride[side],
        .dilation = layer->dilation[side],
        .padding = layer->padding[side],
    };
    return s;
}

/* Return whether lines run along the columns of the picture. */
static bool upright(const reds_layer *layer, const reds_m4_side *rows, const reds_m4_side *columns)
{
    if (layer->kernel[0] == 1 || layer->kernel[1] == 1) {
        return layer->kernel[1] == 1;
    }
    return rows->out > columns->out;
}

/* Set how a kernel takes the taps of a row. */
static void set_taps(reds_m4_strips *s)
{
    uint32_t taps = s->along.kernel;
    s->parts = 1;
    if (s->stride <= 2 && taps <= UNROLLED) {
        s->taps = taps < 3 ? 3 : taps | 1;
    } else if (s->stride <= 2 && s->across.kernel == 1) {
        s->parts = divided_up(taps, REDS_M4_PART);
        s->taps = UNROLLED;
    } else {
        s->taps = divided_up(taps, 2) * 2;
    }
    s->words = s->stride == 1 && reds_m4_unrolled(s) ? s->taps - 1 : (s->taps + 1) / 2;
}

/* Return the bytes of a unit's line buffer for so many outputs: all positions that the kernel reads. */
static uint64_t line_bytes(const reds_m4_strips *s, uint32_t outputs)
{
    uint32_t together = !reds_m4_unrolled(s) ? 4 : s->stride == 1 ? 2 : 1;
    uint64_t positions = (uint64_t)s->stride * (divided_up(outputs, together) * together - 1) +
                         (s->parts - 1) * REDS_M4_PART + s->taps;
    return (positions + 1) / 2 * 4;
}

bool reds_m4_strips_of(const reds_layer *layer, const reds_tensor *from, reds_m4_strips *strips)
{
    reds_m4_side rows = side_of(layer, from, 0), columns = side_of(layer, from, 1);
    rows.in_step = from->width;
    rows.out_step = columns.out;
    columns.in_step = columns.out_step = 1;
    bool up = upright(layer, &rows, &columns);
    reds_m4_strips s = {.along = up ? rows : columns, .across = up ? columns : rows};
    s.tap = up ? layer->kernel[1] : 1;
    s.row = up ? 1 : layer->kernel[1];
    uint32_t shared = common_divisor(s.along.stride, s.along.dilation);
    s.phases = s.along.dilation / shared;
    s.stride = s.along.stride / shared;
    set_taps(&s);
    uint32_t window = (s.across.kernel - 1) * s.across.dilation + 1;
    s.outputs = divided_up(s.along.out, s.phases);
    while (s.outputs > 12 && 4 * window * line_bytes(&s, s.outputs) > REDS_M4_STRIP_BYTES) {
        s.outputs = divided_up(divided_up(s.outputs, 2), 12) * 12;
    }
    uint64_t line = 4 * line_bytes(&s, s.outputs);
    uint32_t buffers = (uint32_t)(REDS_M4_STRIP_BYTES / line);
    s.lines = buffers < window ? 1 : (buffers - window) / s.across.stride + 1;
    s.lines = s.lines < s.across.out ? s.lines : s.across.out;
    s.lines = divided_up(s.across.out, divided_up(s.across.out, s.lines)); /* strips of nearly equal size */
    s.buffers = (s.lines - 1) * s.across.stride + window;
    uint64_t scratch = s.buffers * line + 16ull * s.across.kernel * s.parts * s.words;
    s.bytes = (uint32_t)(line / 4);
    s.scratch = (uint32_t)scratch;
    *strips = s;
    return (reds_m4_is_few(layer, &s) ? reds_m4_few_scratch(layer, 0) : scratch) <= REDS_M4_STRIP_LIMIT;
}

#endif
