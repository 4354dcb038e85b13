/* Convolution in the canonical layout, plain C, grouped or not, dilated or not. Weights are int8
 * [full_out][rows][columns][full_in / groups]; a subnet reads the first units of every tap of the first units_out
 * filters. A filter of a grouped convolution reads all units of its own block. */
#include "padding.h"
#include "portable.h"

/* Filters side by side that read the same units, and how their windows lie in the input. */
typedef struct {
    reds_padding filters;
    uint32_t to;     /* the unit that the first one writes */
    uint32_t from;   /* the unit that all read first */
    uint32_t across; /* bytes of the input from one tap to the next */
    uint32_t down;   /* and from one row of taps to the next */
    bool joined; /* whether the taps of a row follow each other without a gap, in the input as in a filter */
} block;

/* Return what the filters read of a window. */
static reds_rows rows_of(const block *b, const reds_windows *w)
{
    const reds_padding *f = &b->filters;
    uint32_t rows = w->rows.count, columns = w->columns.count;
    if (b->joined) {
        uint32_t count = columns * f->reads;
        return (reds_rows){
            .count = count,
            .runs = rows,
            .lines = 1,
            .in_gap = reds_gap(count, b->down),
            .weights_gap = reds_gap(count, f->line),
        };
    }
    return (reds_rows){
        .count = f->reads,
        .runs = columns,
        .lines = rows,
        .in_gap = reds_gap(f->reads, b->across),
        .weights_gap = reds_gap(f->reads, f->apart),
        .in_line_gap = reds_gap(columns * b->across, b->down),
        .weights_line_gap = reds_gap(columns * f->apart, f->line),
    };
}

static void write_windows(const reds_op *op, void *layer, const reds_windows *w)
{
    block *b = layer;
    const reds_padding *f = &b->filters;
    reds_rows r = rows_of(b, w);
    r.bias = reds_padding_biases(op, &b->filters, w);
    r.multiplier = reds_multipliers(op) + b->to;
    r.zero = op->zero;
    reds_line line = w->line;
    line.in += b->from;
    line.out += b->to;
    uint32_t skipped = w->rows.first * f->line + w->columns.first * f->apart;
    reds_write_rows(&r, f->weights + skipped, f->unit, f->units, &line);
}

void reds_portable_conv(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    bool grouped = layer->kind == REDS_GROUPED;
    if (grouped && op->from->units == layer->groups) {
        reds_portable_depthwise(op);
        return;
    }
    uint32_t apart = op->from->units / layer->groups, line = layer->kernel[1] * apart;
    block b = {
        .filters = {.reads = grouped ? apart : op->units_in, .apart = apart, .line = line},
        .across = layer->dilation[1] * op->units_in,
        .down = layer->dilation[0] * op->from->width * op->units_in,
    };
    b.filters.unit = layer->kernel[0] * line;
    b.joined = b.filters.reads == apart && b.across == apart;
    uint32_t each = grouped ? (uint32_t)op->to->units / layer->groups : op->units_out, left = each;
    for (; b.to < op->units_out; b.to += b.filters.units) {
        reds_padding_begin(op, &b.filters, b.to, left);
        reds_slide_over(op, &b, write_windows);
        left -= b.filters.units;
        if (left == 0) {
            left = each;
            b.from += apart;
        }
    }
}
