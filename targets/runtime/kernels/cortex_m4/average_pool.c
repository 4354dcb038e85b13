/* Average pools for the Cortex-M4. values.h explains blocks. */
#include "pool.h"

#ifdef __ARM_FEATURE_DSP

#define AT(field, offset)                                        \
    _Static_assert(offsetof(reds_m4_windows, field) == (offset), \
                   "values_offsets.h: " #field " is not at " #offset)

AT(in, WINDOWS_IN);
AT(out, WINDOWS_OUT);
AT(units, WINDOWS_UNITS);
AT(rows, WINDOWS_ROWS);
AT(columns, WINDOWS_COLUMNS);
AT(line, WINDOWS_LINE);
AT(blocks, WINDOWS_BLOCKS);
AT(step, WINDOWS_STEP);
AT(start, WINDOWS_START);
AT(bias, WINDOWS_BIAS);
AT(factor, WINDOWS_FACTOR);
AT(multiplier, WINDOWS_MULTIPLIER);
AT(zero_less_1, WINDOWS_ZERO_LESS_1);

enum { HALFWORD = 256 }; /* values whose sum fits a halfword */

/* Add `count` values of four units, whose sums fit halfwords. */
static void add_some(int32_t *sums, const int8_t *in, uint32_t units, uint32_t count)
{
    uint32_t even = 0, odd = 0;
    for (; count > 0; count--, in += units) {
        uint32_t word;
        memcpy(&word, in, sizeof word);
        even = reds_m4_sadd16(even, reds_m4_sxtb16(word));
        odd = reds_m4_sadd16(odd, reds_m4_sxtb16_high(word));
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += (int16_t)(even >> 16);
    sums[3] += (int16_t)(odd >> 16);
}

/* Write the average of a window whose sum may not fit a halfword. `start` is the sum of its padding. */
static void average_of_many(const reds_op *op, reds_m4_range rows, reds_m4_range columns, int32_t start,
                            int8_t *out)
{
    const int32_t *bias = reds_biases(op), *multiplier = reds_multipliers(op);
    uint32_t units = op->units_in, width = op->from->width;
    const int8_t *first = op->in + (rows.first * width + columns.first) * units;
    if (columns.count == width) { /* rows that follow each other are one */
        columns.count *= rows.count;
        rows.count = 1;
    }
    for (uint32_t unit = 0; unit < units; unit += 4) {
        uint32_t from = unit + 4 <= units ? unit : units - 4;
        int32_t sums[4] = {start, start, start, start};
        for (uint32_t y = 0; y < rows.count; y++) {
            for (uint32_t x = 0; x < columns.count; x += HALFWORD) {
                uint32_t left = columns.count - x;
                add_some(sums, first + (y * width + x) * units + from, units,
                         left < HALFWORD ? left : HALFWORD);
            }
        }
        for (uint32_t u = 0; u < 4; u++) {
            out[from + u] = reds_requantize(bias[0] + bias[1] * sums[u], multiplier[0], op->zero);
        }
    }
}

/* Write the averages of `count` windows with these rows and columns. `w` has what is the same for all. */
static void average(const reds_op *op, reds_m4_windows *w, reds_m4_range rows, reds_m4_range columns,
                    uint32_t count, int8_t *out)
{
    uint32_t taps = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1];
    int32_t start = (int32_t)(taps - rows.count * columns.count) * op->zero_in;
    if (taps > HALFWORD) {
        for (; count > 0; count--, columns.first += op->layer->stride[1], out += w->units) {
            average_of_many(op, rows, columns, start, out);
        }
        return;
    }
    w->in = op->in + rows.first * w->line + columns.first * w->units;
    w->out = out;
    w->rows = rows.count;
    w->columns = columns.count;
    w->blocks = count;
    w->start = (uint16_t)start | (uint32_t)start << 16;
    if (rows.count == 2 && columns.count == 2 && taps == 4) {
        reds_m4_average_2x2(w);
        return;
    }
    if (columns.count == op->from->width) { /* rows that follow each other are one */
        w->columns *= w->rows;
        w->rows = 1;
    }
    reds_m4_average(w);
}

void reds_m4_run_average_pool(const reds_op *whole)
{
    if (whole->units_in < 4) {
        reds_portable_average_pool(whole);
        return;
    }
    reds_m4_turned room;
    const reds_op *op = reds_m4_turn_pool(whole, &room);
    const reds_layer *layer = op->layer;
    const int32_t *bias = reds_biases(op);
    uint32_t units = op->units_in, width = op->to->width;
    reds_m4_windows w = {.units = units,
                         .line = op->from->width * units,
                         .step = layer->stride[1] * units,
                         .bias = bias[0],
                         .factor = bias[1],
                         .multiplier = reds_multipliers(op)[0],
                         .zero_less_1 = op->zero - 1};
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        int32_t top = (int32_t)(y * layer->stride[0]) - layer->padding[0];
        reds_m4_range rows = reds_m4_inside(top, layer->kernel[0], op->from->height);
        for (uint32_t x = 0, count; x < width; x += count, out += count * units) {
            reds_m4_range columns = reds_m4_columns(op, x);
            count = reds_m4_alike(op, x, columns);
            average(op, &w, rows, columns, count, out);
        }
    }
}

#endif
