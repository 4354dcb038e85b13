/* Depthwise layers for the Cortex-M4, strip by strip. depthwise.h explains strips and weights.
 *
 * Scratch: the line buffers of a strip, then the spread weights of four units. */
#include "depthwise.h"

#ifdef __ARM_FEATURE_DSP

enum { UNITS = 4 }; /* side by side in a strip */

/* A layer at work. The parts of `call` and `lines` that are the same for all strips are filled in once. */
typedef struct {
    const reds_op *op;
    const reds_m4_strips *strips;
    reds_m4_strip_kernel *kernel;
    int16_t *buffers;
    uint32_t *weights;
    uint32_t each;    /* units written for a unit read */
    uint32_t pitch;   /* bytes of the four units of a line buffer */
    uint32_t padding; /* the zero point, twice */
    bool spreads;     /* whether C spreads the weights */
    bool six;         /* whether the kernel has six outputs a line */
    reds_m4_strip call;
    reds_m4_lines lines;
    reds_m4_weights how;
} work;

/* Outputs along a line: those of one phase, or some of them. */
typedef struct {
    const int8_t *in; /* the first position that a window reads */
    int8_t *out;
    uint32_t outputs;
    uint32_t padding;   /* positions in front of the first one */
    uint32_t positions; /* from it on in the input */
} segment;

static void fill(int16_t *to, uint32_t word, uint32_t bytes)
{
    uint32_t *words = (uint32_t *)(void *)to, *end = words + bytes / 4;
    while (words < end) {
        *words++ = word;
    }
}

/* Return weight `j` of the row from `first` to `end`, 0 outside, in the lower half of a word. */
static uint32_t tap_of(const reds_m4_strips *s, const int8_t *row, uint32_t j, uint32_t end)
{
    return j < end ? (uint16_t)row[j * s->tap] : UINT32_C(0);
}

/* Spread the weights of units whose only row has one tap, or parts of eight. */
static void spread_parts(const work *w, const int8_t *row, uint32_t units)
{
    const reds_m4_strips *s = w->strips;
    uint32_t taps = s->along.kernel, *to = w->weights;
    for (; units > 0; units--, row += taps) {
        for (uint32_t first = 0; first < taps; first += REDS_M4_PART) {
            uint32_t end = taps - first < REDS_M4_PART ? taps : first + REDS_M4_PART;
            uint32_t last = first + s->taps - 1;
            for (uint32_t j = first; j <= last; j += 2) {
                uint32_t even = tap_of(s, row, j, end);
                if (s->stride != 1 || j != last) {
                    *to++ = even | tap_of(s, row, j + 1, end) << 16;
                }
                if (s->stride == 1 && j != first) {
                    *to++ = tap_of(s, row, j - 1, end) | even << 16;
                }
            }
        }
    }
}

/* Spread the weights of `units` units. */
static void spread(work *w, const int8_t *weights, uint32_t units)
{
    const reds_m4_strips *s = w->strips;
    w->how.units = units;
    if (s->parts > 1 || s->along.kernel == 1) {
        spread_parts(w, weights, units);
    } else if (s->stride == 1 && reds_m4_unrolled(s)) {
        reds_m4_spread_twice(weights, w->weights, &w->how);
    } else {
        reds_m4_spread_once(weights, w->weights, &w->how);
    }
}

/* Compute up to four units over the strip in the buffers, of which `x` is the first unit's first window. */
static void compute(work *w, const int16_t *x, uint32_t unit, uint32_t units, int8_t *out)
{
    const reds_m4_strips *s = w->strips;
    w->call.x = x;
    const int8_t *weights = (const int8_t *)w->op->weights + unit * s->along.kernel * s->across.kernel;
    if (w->spreads) {
        spread(w, weights, units);
    } else {
        w->call.weights = weights;
    }
    w->call.out = out + unit;
    w->call.table = ((const reds_m4_table *)w->op->table)->rows + unit;
    w->call.units = units;
    w->kernel(&w->call);
}

/* Compute the units that read one unit of the buffers. */
static void compute_each(work *w, const int16_t *x, uint32_t unit, int8_t *out)
{
    for (uint32_t k = 0; k < w->each; k += UNITS) {
        uint32_t left = w->each - k;
        compute(w, x, unit * w->each + k, left < UNITS ? left : UNITS, out);
    }
}

/* Copy lines of fewer than four units, value by value: words of four would reach past the tensor. */
static void copy_few(const work *w, const int8_t *in, int16_t *to, uint32_t units, uint32_t positions)
{
    for (uint32_t y = 0; y < w->lines.lines; y++, in += w->lines.line_step, to += w->pitch / 2) {
        for (uint32_t u = 0; u < units; u++) {
            int16_t *unit = to + u * (w->strips->bytes / 2);
            for (uint32_t x = 0; x < positions; x++) {
                unit[x] = in[x * w->lines.step + u];
            }
        }
    }
}

/* Set how many outputs the kernel computes at a time, and where it goes from the end of a line. */
static void set_line(work *w, const segment *part)
{
    const reds_m4_strips *s = w->strips;
    reds_m4_strip *call = &w->call;
    bool square = !w->spreads;
    uint32_t block = !reds_m4_unrolled(s) ? 0 : s->stride == 1 || square ? 6 : 4;
    uint32_t blocks = block == 0 ? 0 : part->outputs / block, rest = part->outputs - blocks * block;
    uint32_t together = !reds_m4_unrolled(s) ? 4 : s->stride == 1 ? 2 : 1;
    uint32_t begun = blocks * block + (rest + together - 1) / together * together; /* some past the end */
    w->six = square && part->outputs == 6;
    call->blocks = blocks == 0 ? 0 : 256 * (blocks - 1) + 1;
    call->rest = rest;
    uint32_t moved = w->six ? 1 : s->stride == 1 && reds_m4_unrolled(s) ? begun : part->outputs;
    int32_t line = (int32_t)(s->across.stride * w->pitch);
    call->next_x = w->six ? line - 2 * (int32_t)call->row_bytes : line - (int32_t)(begun * call->step);
    call->next_out = (int32_t)(s->across.out_step * w->op->units_out) - (int32_t)(moved * call->site);
    if (square) {
        w->kernel = s->stride == 1 ? (w->six ? reds_m4_strip_3x3_six : reds_m4_strip_3x3)
                                   : (w->six ? reds_m4_strip_3x3_six_by_2 : reds_m4_strip_3x3_by_2);
    }
}

/* Compute the outputs of a strip in all units. `in` is the first line in the input, `to` the place of its first
 * position. */
static void run_strip(work *w, const int8_t *in, int16_t *to, uint32_t positions, int8_t *out)
{
    uint32_t count = w->op->units_in, apart = w->strips->bytes / 2;
    bool copies = w->lines.lines != 0 && positions != 0;
    for (uint32_t unit = 0; unit < count; unit += UNITS) {
        uint32_t units = count - unit < UNITS ? count - unit : UNITS;
        const int16_t *x = w->buffers;
        if (count < UNITS) {
            copy_few(w, in, to, units, positions);
        } else {
            uint32_t before = UNITS - units; /* the last units come with some before them */
            x += before * apart;
            if (copies) {
                reds_m4_copy_lines(in + unit - before, to - w->lines.head, &w->lines);
            }
        }
        if (w->each == 1) {
            compute(w, x, unit, units, out);
        } else {
            for (uint32_t u = 0; u < units; u++, x += apart) {
                compute_each(w, x, unit + u, out);
            }
        }
    }
}

/* Compute the outputs of a segment in all lines and units. */
static void run_segment(work *w, const segment *part)
{
    const reds_m4_strips *s = w->strips;
    const reds_m4_side *across = &s->across;
    uint32_t window = (across->kernel - 1) * across->dilation + 1, pitch = w->pitch;
    set_line(w, part);
    w->lines.head = part->padding % 2 < part->positions ? part->padding % 2 : part->positions;
    w->lines.pairs = (part->positions - w->lines.head) / 2;
    w->lines.last = (part->positions - w->lines.head) % 2;
    for (uint32_t y = 0; y < across->out; y += s->lines) {
        uint32_t lines = across->out - y < s->lines ? across->out - y : s->lines;
        uint32_t rows = (lines - 1) * across->stride + window, row = y * across->stride;
        uint32_t above = row < across->padding ? across->padding - row : 0;
        above = above < rows ? above : rows;
        row += above - across->padding; /* the first one in the input, if any is */
        uint32_t inside = row < across->in ? across->in - row : 0;
        inside = inside < rows - above ? inside : rows - above;
        if (y == 0) { /* later strips have less padding above, and as much beside */
            fill(w->buffers, w->padding, s->buffers * pitch);
        }
        fill(w->buffers + (above + inside) * (pitch / 2), w->padding, (rows - above - inside) * pitch);
        w->lines.lines = inside;
        w->call.lines = lines;
        w->call.blocks = w->six ? 256 * (lines - 1) + 1 : w->call.blocks;
        run_strip(w, part->in + row * w->lines.line_step, w->buffers + above * (pitch / 2) + part->padding,
                  part->positions, part->out + y * across->out_step * w->op->units_out);
    }
}

/* Return so many outputs of a phase along a line, from the one of this number on. */
static segment segment_of(const work *w, uint32_t phase, uint32_t first, uint32_t outputs)
{
    const reds_m4_side *along = &w->strips->along;
    const reds_op *op = w->op;
    uint32_t output = phase + first * w->strips->phases, dilation = along->dilation;
    int32_t start = (int32_t)(output * along->stride) - (int32_t)along->padding; /* of the first window */
    segment part = {.outputs = outputs};
    if (start < 0) {
        part.padding = ((uint32_t)-start + dilation - 1) / dilation;
        start += (int32_t)(part.padding * dilation);
    }
    uint32_t read = (outputs - 1) * w->strips->stride + along->kernel, at = (uint32_t)start;
    uint32_t inside = at < along->in ? (along->in - at + dilation - 1) / dilation : 0;
    read = read > part.padding ? read - part.padding : 0;
    part.positions = inside < read ? inside : read;
    part.in = op->in + at * along->in_step * op->units_in;
    part.out = op->out + output * along->out_step * op->units_out;
    return part;
}

/* Set what is the same for all strips of a layer. */
static void set_layer(work *w)
{
    static reds_m4_strip_kernel *const by_1[] = {reds_m4_strip_3, reds_m4_strip_5, reds_m4_strip_7,
                                                 reds_m4_strip_9};
    static reds_m4_strip_kernel *const row_by_2[] = {reds_m4_strip_1x3_by_2, reds_m4_strip_1x5_by_2,
                                                     reds_m4_strip_1x7_by_2, reds_m4_strip_1x9_by_2};
    static reds_m4_strip_kernel *const row_by_1[] = {reds_m4_strip_1x3, reds_m4_strip_1x5, reds_m4_strip_1x7,
                                                     reds_m4_strip_1x9};
    static reds_m4_strip_kernel *const by_2[] = {reds_m4_strip_3_by_2, reds_m4_strip_5_by_2,
                                                 reds_m4_strip_7_by_2, reds_m4_strip_9_by_2};
    const reds_op *op = w->op;
    const reds_m4_strips *s = w->strips;
    const reds_m4_table *table = op->table;
    uint32_t rows = s->across.kernel * s->parts, zero = (uint16_t)op->zero_in;
    w->spreads = !reds_m4_unrolled(s) || s->across.kernel != 3 || s->along.kernel != 3;
    w->each = op->layer->kind == REDS_GROUPED ? (uint32_t)op->to->units / op->layer->groups : 1;
    w->pitch = UNITS * s->bytes;
    w->buffers = op->scratch;
    w->weights = (uint32_t *)op->scratch + s->buffers * s->bytes;
    w->padding = zero << 16 | zero;
    w->kernel = reds_m4_strip_any;
    if (reds_m4_unrolled(s)) {
        reds_m4_strip_kernel *const *some = s->stride == 2 ? (rows == 1 ? row_by_2 : by_2)
                                            : rows == 1    ? row_by_1
                                                           : by_1;
        w->kernel = some[(s->taps - 3) / 2];
    }
    w->call = (reds_m4_strip){
        .weights = w->weights,
        .unit_bytes = w->each == 1 ? s->bytes : 0,
        .weights_bytes = w->spreads ? 4 * rows * s->words : 9,
        .tap = s->tap,
        .row = s->row,
        .bias_unit = 1 << table->bias_shift,
        .scale = 16u - table->shift,
        .zero_less_1 = op->zero - 1,
        .rows = rows,
        .row_bytes = s->parts > 1 ? 2 * REDS_M4_PART : s->across.dilation * w->pitch,
        .pairs = s->words,
        .site = s->phases * s->along.out_step * op->units_out,
        .step = 2 * s->stride,
    };
    w->how = (reds_m4_weights){
        .tap = s->tap,
        .row = s->row,
        .pairs = s->along.kernel / 2,
        .odd = s->along.kernel % 2,
        .zero = s->words > (s->along.kernel + 1) / 2,
        .rows = s->across.kernel,
        .unit = s->along.kernel * s->across.kernel - s->across.kernel * s->row,
    };
    w->lines = (reds_m4_lines){
        .step = s->along.dilation * s->along.in_step * op->units_in,
        .padding = (uint8_t)op->zero_in * UINT32_C(0x01010101),
        .line_step = s->across.in_step * op->units_in,
        .unit_bytes = s->bytes,
    };
}

void reds_m4_run_depthwise(const reds_op *op)
{
    reds_m4_strips strips;
    (void)reds_m4_strips_of(op->layer, op->from, &strips);
    if (reds_m4_is_few(op->layer, &strips)) {
        reds_m4_depthwise_few(op);
        return;
    }
    work w = {.op = op, .strips = &strips};
    set_layer(&w);
    for (uint32_t phase = 0; phase < strips.phases && phase < strips.along.out; phase++) {
        uint32_t outputs = (strips.along.out - phase + strips.phases - 1) / strips.phases;
        for (uint32_t first = 0; first < outputs; first += strips.outputs) {
            uint32_t now = outputs - first < strips.outputs ? outputs - first : strips.outputs;
            segment part = segment_of(&w, phase, first, now);
            run_segment(&w, &part);
        }
    }
}

#endif
