#include "padding.h"

static int32_t sum_of(const reds_padding *p, const int8_t *weights, uint32_t taps)
{
    int32_t sum = 0;
    for (; taps > 0; taps--, weights += p->apart) {
        for (const int8_t *w = weights, *end = w + p->reads; w != end;) {
            sum += *w++;
        }
    }
    return sum;
}

/* Return the sum of those weights of a unit that lie in the padding. */
static int32_t padding_sum(const reds_layer *layer, const reds_padding *p, const int8_t *weights,
                           const reds_windows *w)
{
    uint32_t columns = layer->kernel[1], left = w->columns.first, right = left + w->columns.count;
    int32_t sum = 0;
    for (uint32_t i = 0; i < layer->kernel[0]; i++, weights += p->line) {
        if (i - w->rows.first < w->rows.count) {
            sum += sum_of(p, weights, left) + sum_of(p, weights + right * p->apart, columns - right);
        } else {
            sum += sum_of(p, weights, columns);
        }
    }
    return sum;
}

void reds_padding_begin(const reds_op *op, reds_padding *p, uint32_t done, uint32_t left)
{
    bool keeps = reds_padded(op->layer) && op->zero_in != 0;
    p->weights = (const int8_t *)op->weights + done * p->unit;
    p->bias = reds_biases(op) + done;
    p->units = left < REDS_KEPT || !keeps ? left : REDS_KEPT;
    p->rows.count = UINT32_MAX; /* like no window */
}

const int32_t *reds_padding_biases(const reds_op *op, reds_padding *p, const reds_windows *w)
{
    const reds_layer *layer = op->layer;
    if (op->zero_in == 0 || (w->rows.count == layer->kernel[0] && w->columns.count == layer->kernel[1])) {
        return p->bias;
    }
    if (!reds_alike(&w->rows, &p->rows) || !reds_alike(&w->columns, &p->columns)) {
        const int8_t *weights = p->weights;
        for (uint32_t i = 0; i < p->units; i++, weights += p->unit) {
            p->kept[i] = p->bias[i] + op->zero_in * padding_sum(layer, p, weights, w);
        }
        p->rows = w->rows;
        p->columns = w->columns;
    }
    return p->kept;
}
