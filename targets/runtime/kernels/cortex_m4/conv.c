/* Convolution for the Cortex-M4, two output positions at a time. cortex_m4.h explains layout and arithmetic.
 *
 * Scratch: the expanded inputs of two windows, 16 bytes for four inputs, then the two windows as bytes. A
 * pointwise window that needs neither padding nor zeroed lanes is read in place. */
#include "cortex_m4.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

/* How im2col brings the windows of a layer into the order of its weights. */
typedef struct {
    const reds_op *op;
    void (*gather)(const reds_op *op, int32_t top, int32_t left, int8_t *out);
    bool in_place; /* pointwise, without padding or unused lanes: windows are read where they are */
} windows;

/* Gather a flat window of all units: each row is one run of bytes, but for its positions in the padding. */
static void gather_rows(const reds_op *op, int32_t top, int32_t left, int8_t *out)
{
    int32_t width = op->from->width, units = op->from->units, columns = op->layer->kernel[1];
    int32_t first = left < 0 ? 0 : left, end = left + columns > width ? width : left + columns;
    for (int32_t y = top; y < top + op->layer->kernel[0]; y++, out += columns * units) {
        bool inside = y >= 0 && y < op->from->height;
        if (!inside || end - first < columns) {
            memset(out, op->zero_in, (uint32_t)(columns * units));
        }
        if (inside && end > first) {
            const int8_t *from = op->in + (y * width + first) * units;
            reds_m4_copy(out + (first - left) * units, from, (uint32_t)((end - first) * units));
        }
    }
}

/* Gather a flat window of some of the units, or one that skips positions: position by position, with 0 for units
 * outside the subnet. */
static void gather_positions(const reds_op *op, int32_t top, int32_t left, int8_t *out)
{
    int32_t height = op->from->height, width = op->from->width;
    uint32_t full = op->from->units, live = op->units_in;
    int32_t down = op->layer->dilation[0], bottom = top + op->layer->kernel[0] * down;
    int32_t across = op->layer->dilation[1], right = left + op->layer->kernel[1] * across;
    for (int32_t y = top; y < bottom; y += down) {
        for (int32_t x = left; x < right; x += across, out += full) {
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            const int8_t *position = op->in + (uint32_t)(y * width + x) * live;
            for (uint32_t u = 0; u < full; u++) {
                out[u] = (int8_t)(u >= live ? 0 : inside ? position[u] : op->zero_in);
            }
        }
    }
}

/* Gather four units at a time: the first word of each position of the window, then the second of each. */
static void gather_by_four(const reds_op *op, int32_t top, int32_t left, int8_t *out)
{
    int32_t height = op->from->height, width = op->from->width;
    uint32_t taps = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1], live = op->units_in;
    uint32_t padding = (uint8_t)op->zero_in * 0x01010101u, blocks = (live + 3) / 4;
    uint32_t rest = live % 4; /* units in the last word if it is partial; its other lanes are 0 */
    int32_t down = op->layer->dilation[0], bottom = top + op->layer->kernel[0] * down;
    int32_t across = op->layer->dilation[1], right = left + op->layer->kernel[1] * across;
    for (int32_t y = top; y < bottom; y += down) {
        for (int32_t x = left; x < right; x += across, out += 4) {
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            const int8_t *position = op->in + (uint32_t)(y * width + x) * live;
            int8_t *to = out;
            for (uint32_t b = 0; b < blocks; b++, position += 4, to += 4 * taps) {
                uint32_t word = 0;
                if (rest != 0 && b + 1 == blocks) {
                    memcpy(&word, inside ? (const void *)position : &padding, rest);
                } else if (inside) {
                    memcpy(&word, position, 4);
                } else {
                    word = padding;
                }
                memcpy(to, &word, 4);
            }
        }
    }
}

/* Return the bytes of the window of one output position, gathered in `bytes` if they must be. */
static const int8_t *window(const windows *w, uint32_t position, int8_t *bytes)
{
    const reds_op *op = w->op;
    uint32_t y = position / op->to->width, x = position % op->to->width;
    int32_t top = (int32_t)(y * op->layer->stride[0]) - op->layer->padding[0];
    int32_t left = (int32_t)(x * op->layer->stride[1]) - op->layer->padding[1];
    if (w->in_place) {
        return op->in + (uint32_t)(top * op->from->width + left) * op->units_in;
    }
    w->gather(op, top, left, bytes);
    return bytes;
}

/* Compute rows marked plain one by one: 256 times their sum may overflow int32. */
static void plain_rows(const reds_op *op, const reds_m4_rows *rows, uint32_t first, uint32_t end,
                       uint32_t full_quads)
{
    for (uint32_t r = first; r < end; r++) {
        const uint32_t *weights = rows->weights + (size_t)(r / 2) * 2 * full_quads + r % 2;
        int32_t one = reds_m4_plain_sum(weights, 2, rows->x, 4, rows->quads);
        int32_t two = reds_m4_plain_sum(weights, 2, rows->x + 2, 4, rows->quads);
        rows->out[r] = reds_m4_plain(op->table, r, one, op->zero);
        rows->out2[r] = reds_m4_plain(op->table, r, two, op->zero);
    }
}

/* Compute the rows from `first` (even) to `end`. An odd last row goes through a buffer, since the kernel
 * writes rows in pairs. */
static void fast_rows(const reds_m4_rows *rows, uint32_t first, uint32_t end, uint32_t full_quads)
{
    reds_m4_rows part = *rows;
    part.weights += (size_t)first * full_quads;
    part.table += first;
    part.out += first;
    part.out2 += first;
    part.groups = (end - first) / 2;
    if (part.groups != 0) {
        reds_m4_conv(&part);
    }
    if (end % 2 != 0) {
        int8_t pairs[4];
        int8_t *one = rows->out + end - 1, *two = rows->out2 + end - 1;
        part.out = pairs;
        part.out2 = pairs + 2;
        part.groups = 1;
        reds_m4_conv(&part);
        *one = pairs[0];
        *two = pairs[2];
    }
}

static void all_rows(const reds_op *op, const reds_m4_rows *rows, uint32_t full_quads)
{
    if (op->plain == NULL) {
        fast_rows(rows, 0, op->units_out, full_quads);
        return;
    }
    for (uint32_t first = 0; first < op->units_out; first += 4) {
        uint32_t end = op->units_out - first < 4 ? op->units_out : first + 4;
        if (op->plain[first / 4] != 0) {
            plain_rows(op, rows, first, end, full_quads);
        } else {
            fast_rows(rows, first, end, full_quads);
        }
    }
}

void reds_m4_run_conv(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1], full = op->from->units;
    bool flat = full % 4 != 0;
    uint32_t full_quads = (taps * full + 3) / 4;
    uint32_t quads = flat ? full_quads : taps * ((op->units_in + 3) / 4);
    const windows w = {
        .op = op,
        .gather = !flat                                          ? gather_by_four
                  : op->units_in == full && !reds_dilated(layer) ? gather_rows
                                                                 : gather_positions,
        .in_place = taps == 1 && !reds_padded(layer) && !flat && op->units_in % 4 == 0,
    };
    uint32_t *x = op->scratch;
    int8_t *one = (int8_t *)(x + 4 * quads), *two = one + 4 * quads;
    if (taps * full % 4 != 0) { /* the unused lanes of a flat window's last word */
        memset(one, 0, 8 * quads);
    }
    const reds_m4_table *table = op->table;
    reds_m4_rows rows = {
        .weights = op->weights,
        .x = x,
        .table = table->rows,
        .bias_right = 16u - table->bias_shift,
        .quads = quads,
        .skip = 8 * (full_quads - quads),
        .rounding = reds_m4_rounding(table, op->zero),
        .shift = table->shift,
    };
    uint32_t positions = (uint32_t)op->to->height * op->to->width;
    for (uint32_t position = 0; position < positions; position += 2) {
        uint32_t second =
            position + 1 < positions ? position + 1 : position; /* an odd last position is computed twice */
        rows.out = op->out + position * op->units_out;
        rows.out2 = op->out + second * op->units_out;
        reds_m4_expand_two(window(&w, position, one), window(&w, second, two), x, quads);
        all_rows(op, &rows, full_quads);
    }
}

#endif
