/* The windows of a layer that slide over its input. */
#ifndef REDS_WINDOWS_H
#define REDS_WINDOWS_H

#include "rows.h"

/* The taps of a window along one side that lie in the input: `count` of them, from `first` on. */
typedef struct {
    uint32_t first, count;
    int32_t at; /* the position of the input under the first of them */
} reds_taps;

/* Windows in a line that have the same taps in the input. The counts of taps may be 0, where they lie in the padding. */
typedef struct {
    reds_line line; /* from unit 0 under the first of these taps to unit 0 of what a window yields */
    reds_taps rows, columns;
} reds_windows;

/* Compute windows. `layer` is what the kernel keeps of a layer. */
typedef void (*reds_slide)(const reds_op *op, void *layer, const reds_windows *w);

/* Return the taps of a window along the rows (0) or the columns (1). */
static inline reds_taps reds_taps_of(const reds_op *op, uint32_t side, int32_t window)
{
    const reds_layer *layer = op->layer;
    int32_t size = side == 0 ? op->from->height : op->from->width, kernel = layer->kernel[side];
    int32_t begin = window * layer->stride[side] - layer->padding[side], dilation = layer->dilation[side];
    if (begin >= 0 && begin + (kernel - 1) * dilation < size) {
        return (reds_taps){0, (uint32_t)kernel, begin};
    }
    int32_t first = begin < 0 ? (dilation - 1 - begin) / dilation : 0;
    int32_t end = begin < size ? (size - begin + dilation - 1) / dilation : 0;
    end = end < kernel ? end : kernel;
    return (reds_taps){(uint32_t)first, end > first ? (uint32_t)(end - first) : 0, begin + first * dilation};
}

static inline bool reds_alike(const reds_taps *a, const reds_taps *b)
{
    return a->first == b->first && a->count == b->count;
}

/* Compute all windows, in lines along the longer side of the output. */
void reds_slide_over(const reds_op *op, void *layer, reds_slide compute);

#endif
