/* Convolution in the canonical layout, plain C, grouped or not, dilated or not. Weights are int8
 * [full_out][rows][columns][full_in / groups]; a subnet reads the first units of every tap of the first units_out
 * filters. A filter of a grouped convolution reads all units of its own block. */
#include "portable.h"
#include "rows.h"
#include "windows.h"

/* A layer as its windows read it. */
typedef struct {
    uint32_t reads;  /* units of a tap */
    uint32_t apart;  /* weights from one tap to the next */
    uint32_t line;   /* weights of a row of taps */
    uint32_t filter; /* weights of a filter */
    uint32_t block;  /* filters that read the same units */
    uint32_t across; /* bytes of the input from one tap to the next */
    uint32_t down;   /* and from one row of taps to the next */
    bool joined;     /* whether the taps of a row follow each other without a gap, in the input as in a filter */
} shape;

/* Return the sum of those weights of a filter that lie in the padding. */
static int32_t padding_sum(const reds_layer *layer, const shape *s, const int8_t *filter, const reds_window *w)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < layer->kernel[0]; i++) {
        bool inside = i - w->row < w->rows;
        for (uint32_t j = 0; j < layer->kernel[1]; j++, filter += s->apart) {
            if (inside && j - w->column < w->columns) {
                continue;
            }
            for (uint32_t u = 0; u < s->reads; u++) {
                sum += filter[u];
            }
        }
    }
    return sum;
}

/* Set what each filter reads of a window. */
static void set_runs(reds_rows *r, const shape *s, const reds_window *w)
{
    r->count = s->reads;
    r->runs = w->columns;
    r->in_gap = s->across - s->reads;
    r->weights_gap = s->apart - s->reads;
    r->lines = w->columns > 0 ? w->rows : 0;
    r->in_line_gap = s->down - w->columns * s->across;
    r->weights_line_gap = s->line - w->columns * s->apart;
    if (s->joined) {
        r->count = w->columns * s->reads;
        r->runs = r->lines;
        r->in_gap = s->down - r->count;
        r->weights_gap = s->line - r->count;
        r->lines = 1;
    }
}

/* Write filters where some taps are in the padding: each adds its weight times the input's zero point to the bias.
 * `skipped` weights of a filter come before the first tap in the input. */
static void write_clipped(const reds_op *op, const shape *s, const reds_window *w, reds_rows *r,
                          const int8_t *filters, uint32_t skipped, uint32_t rows, bool twice)
{
    const int32_t *bias = r->bias;
    for (uint32_t few; rows > 0; rows -= few, bias += few, filters += few * s->filter) {
        int32_t sums[REDS_ROWS];
        few = rows < REDS_ROWS ? rows : REDS_ROWS;
        for (uint32_t k = 0; k < few; k++) {
            sums[k] = bias[k] + op->zero_in * padding_sum(op->layer, s, filters + k * s->filter, w);
        }
        r->bias = sums;
        reds_write_rows(r, filters + skipped, s->filter, few, twice);
    }
}

static void write_windows(const reds_op *op, const void *layer, const reds_window *first,
                          const reds_window *second)
{
    const shape *s = layer;
    const int8_t *filters = op->weights;
    uint32_t skipped = first->row * s->line + first->column * s->apart;
    bool whole = first->rows == op->layer->kernel[0] && first->columns == op->layer->kernel[1];
    bool twice = first != second;
    reds_rows r = {
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .in = first->in,
        .second = second->in,
        .out = first->out,
        .second_out = second->out,
        .zero = op->zero,
    };
    set_runs(&r, s, first);
    for (uint32_t left = op->units_out, rows; left > 0; left -= rows) {
        rows = s->block < left ? s->block : left;
        if (whole || op->zero_in == 0) {
            reds_write_rows(&r, filters + skipped, s->filter, rows, twice);
        } else {
            const int32_t *next = r.bias + rows;
            write_clipped(op, s, first, &r, filters, skipped, rows, twice);
            r.bias = next;
        }
        filters += rows * s->filter;
        r.in += s->apart;
        r.second += s->apart;
    }
}

void reds_portable_conv(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    if (layer->kind == REDS_GROUPED && op->from->units == layer->groups) {
        reds_portable_depthwise(op);
        return;
    }
    shape s = {
        .apart = op->from->units / layer->groups,
        .block = layer->kind == REDS_GROUPED ? op->to->units / layer->groups : op->units_out,
        .across = layer->dilation[1] * op->units_in,
        .down = layer->dilation[0] * op->from->width * op->units_in,
    };
    s.reads = layer->kind == REDS_GROUPED ? s.apart : op->units_in;
    s.line = layer->kernel[1] * s.apart;
    s.filter = layer->kernel[0] * s.line;
    s.joined = s.reads == s.apart && s.across == s.reads;
    reds_slide_over(op, &s, write_windows);
}
