/* Transposed convolution in the canonical layout, plain C: a convolution of stride 1 over the input spread out, with
 * stride - 1 rows and columns of the zero point between its own, and kernel - 1 - padding around it. Weights are int8
 * [full_out][rows][columns][full_in], already flipped.
 *
 * Taps that meet no value of the input add zero * (sum of their weights) to the bias. */
#include "portable.h"
#include "windows.h"

enum { FILTERS = 48 }; /* whose biases are kept at once */

/* Filters side by side. */
typedef struct {
    const int8_t *weights;
    uint32_t to, count;      /* the unit that the first one writes, and how many */
    uint32_t line, filter;   /* weights of a row of taps, and of a filter */
    int32_t begins[FILTERS]; /* bias + zero * (sum of all weights) */
} block;

/* Return the taps along the rows (0) or the columns (1) that meet values of the input, `stride` from each other. */
static reds_taps taps_of(const reds_op *op, uint32_t side, int32_t window)
{
    const reds_layer *layer = op->layer;
    int32_t stride = layer->stride[side], kernel = layer->kernel[side];
    int32_t size = side == 0 ? op->from->height : op->from->width;
    int32_t start = window + layer->padding[side] + 1 - kernel, past = start % stride;
    int32_t first = past > 0 ? stride - past : -past;
    if (start + first < 0) {
        first -= start + first;
    }
    int32_t at = (start + first) / stride, count = first < kernel ? (kernel - 1 - first) / stride + 1 : 0;
    count = count < size - at ? count : size - at;
    return (reds_taps){(uint32_t)first, count > 0 ? (uint32_t)count : 0, at};
}

static int32_t sum_of(const int8_t *weights, uint32_t count)
{
    int32_t sum = 0;
    for (const int8_t *end = weights + count; weights != end;) {
        sum += *weights++;
    }
    return sum;
}

static void begin(const reds_op *op, block *b)
{
    uint32_t taps = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1];
    for (uint32_t i = 0; i < b->count; i++) {
        const int8_t *weights = b->weights + i * b->filter;
        int32_t sum = 0;
        for (uint32_t tap = 0; tap < taps; tap++, weights += op->from->units) {
            sum += sum_of(weights, op->units_in);
        }
        b->begins[i] = reds_biases(op)[b->to + i] + op->zero_in * sum;
    }
}

/* What the filters read of a window, and their biases there. */
typedef struct {
    reds_rows rows;
    uint32_t skipped; /* weights of a filter before the first of these taps */
    int32_t bias[FILTERS];
} reading;

static void set_taps(const reds_op *op, const block *b, const reds_taps *rows, const reds_taps *columns,
                     reading *r)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in, apart = op->from->units, across = layer->stride[1] * apart;
    r->skipped = rows->first * b->line + columns->first * apart;
    r->rows = (reds_rows){
        .bias = r->bias,
        .multiplier = reds_multipliers(op) + b->to,
        .zero = op->zero,
        .count = units,
        .runs = columns->count,
        .lines = columns->count > 0 ? rows->count : 0,
        .weights_gap = reds_gap(units, across),
        .in_line_gap = reds_gap(columns->count * units, op->from->width * units),
        .weights_line_gap = reds_gap(columns->count * across, layer->stride[0] * b->line),
    };
    for (uint32_t k = 0; k < b->count; k++) {
        int32_t sum = 0;
        const int8_t *weights = b->weights + k * b->filter + r->skipped;
        for (uint32_t i = r->rows.lines; op->zero_in != 0 && i > 0;
             i--, weights += r->rows.weights_line_gap) {
            for (uint32_t j = columns->count; j > 0; j--, weights += across) {
                sum += sum_of(weights, units);
            }
        }
        r->bias[k] = b->begins[k] - op->zero_in * sum;
    }
}

/* Write the windows of a row whose columns follow each other in the input. */
static void write_row(const reds_op *op, const block *b, int32_t y, int32_t phase)
{
    int32_t stride = op->layer->stride[1];
    uint32_t units = op->units_in;
    reds_taps rows = taps_of(op, 0, y), columns = taps_of(op, 1, phase);
    reds_line line = {.in_apart = units, .out_apart = (uint32_t)stride * op->units_out};
    reading r;
    for (int32_t x = phase; x < op->to->width; x += (int32_t)line.count * stride) {
        reds_taps next = columns;
        set_taps(op, b, &rows, &columns, &r);
        line.in = op->in;
        if (r.rows.lines > 0) {
            line.in += (uint32_t)(rows.at * op->from->width + columns.at) * units;
        }
        line.out = op->out + (uint32_t)(y * op->to->width + x) * op->units_out + b->to;
        line.count = 0;
        while (reds_alike(&columns, &next)) {
            line.count++;
            next = taps_of(op, 1, x + (int32_t)line.count * stride);
            if (x + (int32_t)line.count * stride >= op->to->width) {
                break;
            }
        }
        reds_write_rows(&r.rows, b->weights + r.skipped, b->filter, b->count, &line);
        columns = next;
    }
}

void reds_portable_transposed(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    block b = {.line = layer->kernel[1] * (uint32_t)op->from->units};
    b.filter = layer->kernel[0] * b.line;
    for (; b.to < op->units_out; b.to += b.count) {
        b.weights = (const int8_t *)op->weights + b.to * b.filter;
        b.count = op->units_out - b.to < FILTERS ? op->units_out - b.to : FILTERS;
        begin(op, &b);
        for (int32_t y = 0; y < op->to->height; y++) {
            for (int32_t phase = 0; phase < layer->stride[1] && phase < op->to->width; phase++) {
                write_row(op, &b, y, phase);
            }
        }
    }
}
