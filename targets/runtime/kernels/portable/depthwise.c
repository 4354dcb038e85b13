/* Depthwise convolution in the canonical layout, plain C: each unit reads one unit of the input. Weights are int8
 * [units][rows][columns]. A grouped convolution whose blocks read one unit runs here too: several units that it writes
 * read the same one.
 *
 * The input of a unit is copied out first, tile by tile, with the padding around it. So values of neighbors follow each
 * other, and no window needs a check. */
#include "depthwise_line.h"
#include "portable.h"

enum { TILE = 512 }; /* bytes of the stack that a tile of the input takes */

/* One side of a layer: its lines, or what follows each other in a line. */
typedef struct {
    int32_t in, out; /* positions */
    int32_t kernel, stride, dilation, padding;
    uint32_t in_step, out_step, weight_step; /* bytes from one position or tap to the next */
} side;

/* Some windows of a unit, and the values that they read. */
typedef struct {
    const reds_op *op;
    side along, across;    /* in a line, and from line to line */
    int32_t x, y;          /* the first window */
    int32_t width, height; /* windows */
    int32_t pitch;         /* values of a line */
    int8_t values[TILE];
} tile;

static side side_of(const reds_op *op, uint32_t which)
{
    const reds_layer *layer = op->layer;
    side s = {
        .kernel = layer->kernel[which],
        .stride = layer->stride[which],
        .dilation = layer->dilation[which],
        .padding = layer->padding[which],
        .in_step = which == 0 ? op->from->width * op->units_in : op->units_in,
        .out_step = which == 0 ? op->to->width * op->units_out : op->units_out,
        .weight_step = which == 0 ? layer->kernel[1] : 1,
    };
    s.in = which == 0 ? op->from->height : op->from->width;
    s.out = which == 0 ? op->to->height : op->to->width;
    return s;
}

/* Return the positions that some windows read, at the most stride apart. */
static int32_t span(const side *s, int32_t windows)
{
    return (windows - 1) * s->stride + (s->kernel - 1) * s->dilation + 1;
}

/* Copy the input of a unit: what is in the padding stays. */
static void copy_in(tile *t, uint32_t unit)
{
    const side *along = &t->along, *across = &t->across;
    int32_t left = t->x * along->stride - along->padding, top = t->y * across->stride - across->padding;
    int32_t begin = left < 0 ? -left : 0, end = along->in - left < t->pitch ? along->in - left : t->pitch;
    int32_t lines = span(across, t->height);
    uint32_t step = along->in_step;
    for (int32_t i = top < 0 ? -top : 0; i < lines && top + i < across->in; i++) {
        const int8_t *in =
            t->op->in + unit + (uint32_t)(top + i) * across->in_step + (uint32_t)(left + begin) * step;
        int8_t *to = t->values + i * t->pitch;
        for (int8_t *value = to + begin, *stop = to + end; value < stop; in += step) {
            *value++ = *in;
        }
    }
}

/* Return what the lines of a tile have in common. */
static reds_depthwise lines_of(const tile *t)
{
    const side *along = &t->along, *across = &t->across;
    return (reds_depthwise){
        .zero = t->op->zero,
        .windows = (uint32_t)t->width,
        .lines = (uint32_t)across->kernel,
        .taps = (uint32_t)along->kernel,
        .line = across->weight_step,
        .tap = along->weight_step,
        .pitch = (uint32_t)(across->dilation * t->pitch),
        .dilation = (uint32_t)along->dilation,
        .stride = (uint32_t)along->stride,
        .out_step = along->out_step,
    };
}

/* Write the tile's windows of a unit. */
static void write_tile(const tile *t, const reds_depthwise *d, uint32_t unit)
{
    const side *along = &t->along, *across = &t->across;
    bool of_3 = along->kernel == 3 && along->dilation == 1 && along->stride == 1;
    int32_t down = across->stride * t->pitch;
    uint32_t out_down = across->out_step;
    const int8_t *in = t->values;
    int8_t *out = t->op->out + unit + (uint32_t)t->y * out_down + (uint32_t)t->x * along->out_step;
    for (int32_t y = t->height; y > 0; y--, in += down, out += out_down) {
        if (of_3) {
            reds_depthwise_line_of_3(d, in, out);
        } else {
            reds_depthwise_line(d, in, out);
        }
    }
}

/* Write windows one by one, whose taps are too far from each other for a tile. */
static void write_far(const reds_op *op, uint32_t unit, uint32_t read, const side *rows, const side *columns)
{
    const int8_t *weights = (const int8_t *)op->weights + unit * (uint32_t)(rows->kernel * columns->kernel);
    int8_t *out = op->out + unit;
    for (int32_t top = -rows->padding, end = top + rows->out * rows->stride; top < end; top += rows->stride) {
        int32_t left = -columns->padding;
        for (int32_t x = columns->out; x > 0; x--, left += columns->stride, out += op->units_out) {
            const int8_t *w = weights;
            uint32_t sum = (uint32_t)reds_biases(op)[unit];
            for (int32_t i = 0, y = top; i < rows->kernel; i++, y += rows->dilation) {
                for (int32_t j = 0, at = left; j < columns->kernel; j++, at += columns->dilation) {
                    bool inside = y >= 0 && y < rows->in && at >= 0 && at < columns->in;
                    const int8_t *in = op->in + read;
                    int32_t value = inside ? in[(uint32_t)y * rows->in_step + (uint32_t)at * columns->in_step]
                                           : op->zero_in;
                    sum += (uint32_t)(*w++ * value);
                }
            }
            *out = reds_requantize((int32_t)sum, reds_multipliers(op)[unit], op->zero);
        }
    }
}

/* Write the tile's windows of all units. So many of them read the same one. */
static void write_units(tile *t, uint32_t each)
{
    const reds_op *op = t->op;
    const int8_t *weights = op->weights;
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    uint32_t window = (uint32_t)(t->along.kernel * t->across.kernel), same = 0, read = 0;
    reds_depthwise d = lines_of(t);
    for (uint32_t unit = 0; unit < op->units_out; unit++, weights += window) {
        if (same == 0) {
            copy_in(t, read++);
            same = each;
        }
        same--;
        d.weights = weights;
        d.bias = bias[unit];
        d.multiplier = multiplier[unit];
        write_tile(t, &d, unit);
    }
}

static int32_t at_most(int32_t value, int32_t most)
{
    return value < most ? value : most;
}

/* Return the most windows of a side that read `most` positions. */
static int32_t fitting(const side *s, int32_t most)
{
    return (most - span(s, 1)) / s->stride + 1;
}

void reds_portable_depthwise(const reds_op *op)
{
    uint32_t each = op->layer->kind == REDS_GROUPED ? (uint32_t)op->to->units / op->layer->groups : 1;
    bool upright = op->to->height > op->to->width;
    tile t = {.op = op, .along = side_of(op, upright ? 0 : 1), .across = side_of(op, upright ? 1 : 0)};
    int32_t most = TILE / span(&t.across, 1);
    if (most < span(&t.along, REDS_WINDOWS)) {
        for (uint32_t unit = 0; unit < op->units_out; unit++) {
            const side rows = side_of(op, 0), columns = side_of(op, 1);
            write_far(op, unit, unit / each, &rows, &columns);
        }
        return;
    }
    int32_t whole = (t.along.out + REDS_WINDOWS - 1) / REDS_WINDOWS * REDS_WINDOWS;
    int32_t width = at_most(fitting(&t.along, most) / REDS_WINDOWS * REDS_WINDOWS, whole);
    t.pitch = span(&t.along, width);
    int32_t height = at_most(fitting(&t.across, TILE / t.pitch), t.across.out);
    for (t.y = 0; t.y < t.across.out; t.y += height) {
        t.height = at_most(height, t.across.out - t.y);
        for (t.x = 0; t.x < t.along.out; t.x += width) {
            t.width = at_most(width, t.along.out - t.x);
            memset(t.values, op->zero_in, TILE); /* padding has the value of the input's zero point */
            write_units(&t, each);
        }
    }
}
