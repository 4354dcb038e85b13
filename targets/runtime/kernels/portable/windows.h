/* The windows of a layer that slide over its input. */
#ifndef REDS_WINDOWS_H
#define REDS_WINDOWS_H

#include "../kernels.h"

/* The taps of a window that lie in the input: `rows` and `columns` of them, from `row` and `column` on. Either count
 * may be 0, where a window lies in the padding. */
typedef struct {
    const int8_t *in; /* unit 0 under the first of these taps */
    int8_t *out;      /* unit 0 of what the window yields */
    uint32_t row, rows, column, columns;
} reds_window;

/* Return how many taps of a side lie in an input of `size` positions, and set the first of them. The side begins at
 * `*start`, which moves to the position under the first of them. */
static inline uint32_t reds_taps(int32_t *start, uint32_t *first, int32_t kernel, int32_t dilation, int32_t size)
{
    int32_t begin = *start;
    if (begin >= 0 && begin + (kernel - 1) * dilation < size) {
        *first = 0;
        return (uint32_t)kernel;
    }
    int32_t before = begin < 0 ? (dilation - 1 - begin) / dilation : 0;
    int32_t end = begin < size ? (size - begin + dilation - 1) / dilation : 0;
    end = end < kernel ? end : kernel;
    *start = begin + before * dilation;
    *first = (uint32_t)before;
    return end > before ? (uint32_t)(end - before) : 0;
}

static inline reds_window reds_window_at(const reds_op *op, int32_t y, int32_t x)
{
    const reds_layer *layer = op->layer;
    int32_t top = y * layer->stride[0] - layer->padding[0], left = x * layer->stride[1] - layer->padding[1];
    reds_window w;
    w.rows = reds_taps(&top, &w.row, layer->kernel[0], layer->dilation[0], op->from->height);
    w.columns = reds_taps(&left, &w.column, layer->kernel[1], layer->dilation[1], op->from->width);
    w.in = op->in;
    if (w.rows != 0 && w.columns != 0) {
        w.in += (uint32_t)(top * op->from->width + left) * op->units_in;
    }
    w.out = op->out + (uint32_t)(y * op->to->width + x) * op->units_out;
    return w;
}

/* Compute two windows that have the same taps in the input, or one, which is then the first and the second. */
typedef void (*reds_slide)(const reds_op *op, const void *layer, const reds_window *first,
                           const reds_window *second);

/* Compute all windows, two at once where they can be: column by column, so that those of a column's middle, and of its
 * left and right edge, have others with the same taps. */
static inline void reds_slide_over(const reds_op *op, const void *layer, reds_slide compute)
{
    reds_window held;
    bool holds = false;
    for (int32_t x = 0; x < op->to->width; x++) {
        for (int32_t y = 0; y < op->to->height; y++) {
            reds_window w = reds_window_at(op, y, x);
            if (!holds) {
                held = w;
                holds = true;
                continue;
            }
            if (held.row == w.row && held.rows == w.rows && held.column == w.column && held.columns == w.columns) {
                compute(op, layer, &held, &w);
                holds = false;
            } else {
                compute(op, layer, &held, &held);
                held = w;
            }
        }
    }
    if (holds) {
        compute(op, layer, &held, &held);
    }
}

#endif
