/* Pools for the Cortex-M4. values.h explains blocks.
 *
 * A maximum is taken at once of windows of up to four values that all lie in the input. Otherwise the largest of the
 * rows of windows is taken first, into scratch: a line of the input. */
#include "values.h"

#ifdef __ARM_FEATURE_DSP

#define AT(type, field, offset) \
    _Static_assert(offsetof(type, field) == (offset), "values_offsets.h: " #field " is not at " #offset)

AT(reds_m4_largest, in, LARGEST_IN);
AT(reds_m4_largest, out, LARGEST_OUT);
AT(reds_m4_largest, at, LARGEST_AT);
AT(reds_m4_largest, bytes, LARGEST_BYTES);
AT(reds_m4_largest, blocks, LARGEST_BLOCKS);
AT(reds_m4_largest, step, LARGEST_STEP);

AT(reds_m4_windows, in, WINDOWS_IN);
AT(reds_m4_windows, out, WINDOWS_OUT);
AT(reds_m4_windows, units, WINDOWS_UNITS);
AT(reds_m4_windows, rows, WINDOWS_ROWS);
AT(reds_m4_windows, columns, WINDOWS_COLUMNS);
AT(reds_m4_windows, line, WINDOWS_LINE);
AT(reds_m4_windows, blocks, WINDOWS_BLOCKS);
AT(reds_m4_windows, step, WINDOWS_STEP);
AT(reds_m4_windows, start, WINDOWS_START);
AT(reds_m4_windows, bias, WINDOWS_BIAS);
AT(reds_m4_windows, factor, WINDOWS_FACTOR);
AT(reds_m4_windows, multiplier, WINDOWS_MULTIPLIER);
AT(reds_m4_windows, zero_less_1, WINDOWS_ZERO_LESS_1);

enum { AT_ONCE = 4, HALFWORD = 256 /* values whose sum fits a halfword */ };

/* Return whether all values of a window are compared at once. */
static bool at_once(const reds_layer *layer)
{
    return !reds_padded(layer) && (uint32_t)layer->kernel[0] * layer->kernel[1] <= AT_ONCE;
}

uint32_t reds_m4_pool_scratch(const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    return layer->kind != REDS_MAX_POOL || at_once(layer) ? 0 : from->width * units;
}

/* The values of windows along one side that lie in the input. */
typedef struct {
    uint32_t first, count;
} range;

/* Return those of the window that begins at `start`. */
static range inside(int32_t start, uint32_t kernel, uint32_t size)
{
    uint32_t first = start < 0 ? 0 : (uint32_t)start, end = (uint32_t)(start + (int32_t)kernel);
    return (range){first, (end < size ? end : size) - first};
}

/* Return the columns of the window of output x. */
static range columns_of(const reds_op *op, uint32_t x)
{
    const reds_layer *layer = op->layer;
    return inside((int32_t)(x * layer->stride[1]) - layer->padding[1], layer->kernel[1], op->from->width);
}

/* Return how many windows from output x on have these columns, side by side: several where all lie in the input. */
static uint32_t alike(const reds_op *op, uint32_t x, range columns)
{
    const reds_layer *layer = op->layer;
    uint32_t whole = op->from->width + layer->padding[1] - columns.count;
    return columns.count < layer->kernel[1] ? 1 : whole / layer->stride[1] + 1 - x;
}

/* Write the largest of up to four values, which are at in + at[k]. */
static void largest(reds_m4_largest *of, uint32_t count)
{
    if (count == 1) {
        of->at[0] = 0;
    }
    (count <= 2 ? reds_m4_max_2 : count == 3 ? reds_m4_max_3 : reds_m4_max_4)(of);
}

/* Write the largest of `count` values, `apart` bytes apart, to a block. */
static void largest_of(const int8_t *in, int8_t *out, uint32_t count, uint32_t apart, uint32_t bytes)
{
    reds_m4_largest of = {
        .in = in, .out = out, .at = {apart, 2 * apart, 3 * apart}, .bytes = bytes, .blocks = 1};
    largest(&of, count < AT_ONCE ? count : AT_ONCE);
    for (uint32_t done = AT_ONCE; done < count; done += AT_ONCE - 1) { /* three more, and those so far */
        of.in = in + done * apart;
        uint32_t more = count - done < AT_ONCE - 1 ? count - done : AT_ONCE - 1;
        of.at[0] = apart;
        of.at[1] = 2 * apart;
        of.at[more - 1] = (uint32_t)((uintptr_t)out - (uintptr_t)of.in);
        largest(&of, more + 1);
    }
}

/* Write a row of outputs from the largest of the rows of their windows. */
static void largest_columns(const reds_op *op, const int8_t *line, int8_t *out)
{
    uint32_t units = op->units_out, stride = op->layer->stride[1], count;
    for (uint32_t x = 0; x < op->to->width; x += count, out += count * units) {
        range columns = columns_of(op, x);
        const int8_t *in = line + columns.first * units;
        count = 1;
        if (columns.count > AT_ONCE) {
            largest_of(in, out, columns.count, units, units);
            continue;
        }
        count = alike(op, x, columns);
        reds_m4_largest of = {.in = in, .out = out, .at = {units, 2 * units, 3 * units}, .bytes = units};
        of.blocks = count;
        of.step = (int32_t)((stride - 1) * units);
        if (stride == 1) {
            of.bytes = count * units;
            of.blocks = 1;
        }
        largest(&of, columns.count);
    }
}

/* Write the largest of windows of up to four values that lie in the input. */
static void largest_at_once(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_out, line = op->from->width * units, taps = 0;
    reds_m4_largest of = {.in = op->in, .out = op->out, .bytes = units, .blocks = op->to->width};
    of.step = (int32_t)((layer->stride[1] - 1u) * units);
    if (layer->stride[1] == 1) {
        of.bytes = op->to->width * units;
        of.blocks = 1;
    }
    for (uint32_t i = 0; i < layer->kernel[0]; i++) {
        for (uint32_t j = 0; j < layer->kernel[1]; j++, taps++) {
            if (taps > 0) {
                of.at[taps - 1] = i * line + j * units;
            }
        }
    }
    for (uint32_t y = 0; y < op->to->height; y++) {
        largest(&of, taps);
        of.in += layer->stride[0] * line;
        of.out += op->to->width * units;
    }
}

void reds_m4_run_max_pool(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    if (at_once(layer)) {
        largest_at_once(op);
        return;
    }
    uint32_t units = op->units_out, line = op->from->width * units;
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++, out += op->to->width * units) {
        range rows =
            inside((int32_t)(y * layer->stride[0]) - layer->padding[0], layer->kernel[0], op->from->height);
        largest_of(op->in + rows.first * line, op->scratch, rows.count, line, line);
        largest_columns(op, op->scratch, out);
    }
}

/* Write the average of a window whose sum may not fit a halfword. `start` is the sum of its padding. */
static void average_of_many(const reds_op *op, range rows, range columns, int32_t start, int8_t *out)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    uint32_t units = op->units_in;
    for (uint32_t unit = 0; unit < units; unit += 4) {
        uint32_t from = unit + 4 <= units ? unit : units - 4, even = 0, odd = 0, count = 0;
        int32_t sums[4] = {start, start, start, start};
        for (uint32_t y = rows.first; y < rows.first + rows.count; y++) {
            const int8_t *in = op->in + (y * op->from->width + columns.first) * units + from;
            for (uint32_t x = 0; x < columns.count; x++, in += units) {
                uint32_t word;
                memcpy(&word, in, sizeof word);
                even = reds_m4_sadd16(even, reds_m4_sxtb16(word));
                odd = reds_m4_sadd16(odd, reds_m4_sxtb16_high(word));
                bool end = x + 1 == columns.count && y + 1 == rows.first + rows.count;
                if (++count == HALFWORD || end) {
                    sums[0] += (int16_t)even;
                    sums[1] += (int16_t)odd;
                    sums[2] += (int16_t)(even >> 16);
                    sums[3] += (int16_t)(odd >> 16);
                    even = odd = count = 0;
                }
            }
        }
        for (uint32_t u = 0; u < 4; u++) {
            out[from + u] = reds_requantize(bias[0] + bias[1] * sums[u], multiplier[0], op->zero);
        }
    }
}

/* Write the averages of `count` windows with these rows and columns. */
static void average(const reds_op *op, range rows, range columns, uint32_t count, int8_t *out)
{
    const int32_t *bias = reds_biases(op);
    uint32_t taps = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1];
    int32_t start = (int32_t)(taps - rows.count * columns.count) * op->zero_in;
    if (taps > HALFWORD) {
        for (; count > 0; count--, columns.first += op->layer->stride[1], out += op->units_in) {
            average_of_many(op, rows, columns, start, out);
        }
        return;
    }
    uint32_t units = op->units_in, line = op->from->width * units;
    reds_m4_windows w = {.in = op->in + rows.first * line + columns.first * units,
                         .out = out,
                         .units = units,
                         .rows = rows.count,
                         .columns = columns.count,
                         .line = line,
                         .blocks = count,
                         .step = op->layer->stride[1] * units,
                         .start = (uint16_t)start | (uint32_t)start << 16,
                         .bias = bias[0],
                         .factor = bias[1],
                         .multiplier = reds_multipliers(op)[0],
                         .zero_less_1 = op->zero - 1};
    if (rows.count == 2 && columns.count == 2 && taps == 4) {
        reds_m4_average_2x2(&w);
        return;
    }
    if (columns.count == op->from->width) { /* rows that follow each other are one */
        w.columns *= w.rows;
        w.rows = 1;
    }
    reds_m4_average(&w);
}

void reds_m4_run_average_pool(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    if (op->units_in < 4) {
        reds_portable_average_pool(op);
        return;
    }
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        range rows =
            inside((int32_t)(y * layer->stride[0]) - layer->padding[0], layer->kernel[0], op->from->height);
        for (uint32_t x = 0, count; x < op->to->width; x += count, out += count * op->units_in) {
            range columns = columns_of(op, x);
            count = alike(op, x, columns);
            average(op, rows, columns, count, out);
        }
    }
}

#endif
