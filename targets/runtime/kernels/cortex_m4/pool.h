/* What max and average pools of the Cortex-M4 share: which values of their windows lie in the input. */
#ifndef REDS_CORTEX_M4_POOL_H
#define REDS_CORTEX_M4_POOL_H

#include "values.h"

/* The values of windows along one side that lie in the input. */
typedef struct {
    uint32_t first, count;
} reds_m4_range;

/* Return those of the window that begins at `start`. */
static inline reds_m4_range reds_m4_inside(int32_t start, uint32_t kernel, uint32_t size)
{
    uint32_t first = start < 0 ? 0 : (uint32_t)start, end = (uint32_t)(start + (int32_t)kernel);
    return (reds_m4_range){first, (end < size ? end : size) - first};
}

/* Return the columns of the window of output x. */
static inline reds_m4_range reds_m4_columns(const reds_op *op, uint32_t x)
{
    const reds_layer *layer = op->layer;
    return reds_m4_inside((int32_t)(x * layer->stride[1]) - layer->padding[1], layer->kernel[1],
                          op->from->width);
}

/* Return how many windows from output x on have these columns, side by side: several where all lie in the input. */
static inline uint32_t reds_m4_alike(const reds_op *op, uint32_t x, reds_m4_range columns)
{
    const reds_layer *layer = op->layer;
    uint32_t whole = op->from->width + layer->padding[1] - columns.count;
    return columns.count < layer->kernel[1] ? 1 : whole / layer->stride[1] + 1 - x;
}

/* A layer whose rows are columns: what slides along the only column of a tensor slides along a row. */
typedef struct {
    reds_op op;
    reds_layer layer;
    reds_tensor from, to;
} reds_m4_turned;

static inline reds_tensor reds_m4_turned_tensor(const reds_tensor *tensor)
{
    return (reds_tensor){.height = tensor->width, .width = tensor->height, .units = tensor->units};
}

static inline const reds_op *reds_m4_turn_pool(const reds_op *op, reds_m4_turned *t)
{
    const reds_layer *layer = op->layer;
    if (op->from->width != 1 || op->to->width != 1) {
        return op;
    }
    *t = (reds_m4_turned){.op = *op,
                          .layer = *layer,
                          .from = reds_m4_turned_tensor(op->from),
                          .to = reds_m4_turned_tensor(op->to)};
    for (uint32_t side = 0; side < 2; side++) {
        t->layer.kernel[side] = layer->kernel[1 - side];
        t->layer.stride[side] = layer->stride[1 - side];
        t->layer.padding[side] = layer->padding[1 - side];
        t->layer.padding[side + 2] = layer->padding[3 - side];
    }
    t->op.layer = &t->layer;
    t->op.from = &t->from;
    t->op.to = &t->to;
    return &t->op;
}

#endif
