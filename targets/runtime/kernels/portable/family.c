/* The portable family: sizes and checks of the canonical layout, and the kernels by kind of layer. */
#include "portable.h"

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    uint64_t taps = (uint64_t)layer->kernel[0] * layer->kernel[1];
    switch (layer->kind) {
    case REDS_DENSE:
        return (uint64_t)from->units * to->units;
    case REDS_CONV:
        return taps * from->units * to->units;
    case REDS_DEPTHWISE:
        return taps * to->units;
    default:
        return 0;
    }
}

static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *from, const reds_step *step)
{
    (void)layer;
    (void)from;
    (void)step;
    return 0;
}

uint64_t reds_portable_table_bytes(const reds_layer *layer, uint32_t rows)
{
    (void)layer;
    return 8ull * rows;
}

/* Return whether factor * (sum of `taps` values) cannot overflow int32. */
static bool factor_ok(int32_t factor, uint32_t taps)
{
    uint32_t size = (uint32_t)(factor < 0 ? -(int64_t)factor : factor);
    return size < REDS_FACTOR_LIMIT && size * taps <= 1 << 16;
}

bool reds_portable_multipliers_ok(const reds_layer *layer, const int32_t *bias, uint32_t rows)
{
    for (uint32_t r = 0; r < rows; r++) {
        if (bias[rows + r] % 256 != 0) {
            return false;
        }
    }
    switch (layer->kind) {
    case REDS_AVERAGE_POOL:
        return factor_ok(bias[1], (uint32_t)layer->kernel[0] * layer->kernel[1]);
    case REDS_ADD:
        return factor_ok(bias[1], 1) && factor_ok(bias[2], 1);
    default:
        return true;
    }
}

bool reds_portable_table_ok(const reds_layer *layer, const void *table, uint32_t rows, const uint8_t *plain)
{
    const int32_t *bias = table;
    for (uint32_t r = 0; r < rows; r++) {
        if (bias[r] <= -REDS_BIAS_LIMIT || bias[r] >= REDS_BIAS_LIMIT) {
            return false;
        }
    }
    return plain == NULL && reds_portable_multipliers_ok(layer, bias, rows);
}

const reds_family reds_portable = {
    .layout = 0,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .table_bytes = reds_portable_table_bytes,
    .table_ok = reds_portable_table_ok,
    .run =
        {
            [REDS_DENSE] = reds_portable_dense,
            [REDS_CONV] = reds_portable_conv,
            [REDS_DEPTHWISE] = reds_portable_depthwise,
            [REDS_AVERAGE_POOL] = reds_portable_average_pool,
            [REDS_MAX_POOL] = reds_portable_max_pool,
            [REDS_ADD] = reds_portable_add,
            [REDS_FLATTEN] = reds_portable_flatten,
        },
};
