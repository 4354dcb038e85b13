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

static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *from, uint32_t units_in)
{
    (void)layer;
    (void)from;
    (void)units_in;
    return 0;
}

uint64_t reds_portable_table_bytes(const reds_layer *layer, uint32_t rows)
{
    (void)layer;
    return 8ull * rows;
}

bool reds_portable_weights_ok(const reds_layer *layer, const void *weights)
{
    const int8_t *weight = weights;
    for (uint32_t i = 0; i < layer->weights_bytes; i++) {
        if (weight[i] == INT8_MIN) {
            return false;
        }
    }
    return true;
}

/* Return whether factor * (sum of `taps` values) cannot overflow int32. */
static bool factor_ok(int32_t factor, uint32_t taps)
{
    uint32_t size = (uint32_t)(factor < 0 ? -(int64_t)factor : factor);
    return size < REDS_FACTOR_LIMIT && size * taps <= 1 << 16;
}

/* Return whether the values are numbers of 16 bits times one power of two, at least 2^least, at most 2^most. */
static bool encodable(const int32_t *values, uint32_t count, uint32_t least, uint32_t most)
{
    uint32_t bits = 0, largest = 0, shift = most;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = values[i] < 0 ? 0 - (uint32_t)values[i] : (uint32_t)values[i];
        bits |= size;
        largest = size > largest ? size : largest;
    }
    while (shift > 0 && bits % (UINT32_C(1) << shift) != 0) {
        shift--;
    }
    return shift >= least && largest <= (uint32_t)INT16_MAX << shift;
}

static bool all_zero(const int32_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] != 0) {
            return false;
        }
    }
    return true;
}

bool reds_portable_factors_ok(const reds_layer *layer, const void *table, uint32_t units)
{
    uint32_t rows = reds_table_rows(layer->kind, units);
    const int32_t *bias = table, *multiplier = bias + rows;
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
    case REDS_DEPTHWISE:
        return encodable(multiplier, units, 8, 15) && all_zero(bias + units, rows - units) &&
               all_zero(multiplier + units, rows - units);
    case REDS_AVERAGE_POOL:
    case REDS_ADD: {
        bool pool = layer->kind == REDS_AVERAGE_POOL;
        uint32_t taps = pool ? (uint32_t)layer->kernel[0] * layer->kernel[1] : 1;
        return factor_ok(bias[1], taps) && factor_ok(bias[2], 1) && (!pool || bias[2] == 0) && bias[3] == 0 &&
               multiplier[0] % 256 == 0 && all_zero(multiplier + 1, 3);
    }
    default:
        return true;
    }
}

bool reds_portable_table_ok(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain)
{
    const int32_t *bias = table;
    bool fits;
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
    case REDS_DEPTHWISE:
        fits = encodable(bias, units, 0, 14);
        break;
    case REDS_AVERAGE_POOL:
    case REDS_ADD:
        fits = bias[0] > -REDS_BIAS_LIMIT && bias[0] < REDS_BIAS_LIMIT;
        break;
    default:
        fits = true;
    }
    return fits && plain == NULL && reds_portable_factors_ok(layer, table, units);
}

const reds_family reds_portable = {
    .layout = 0,
    .alignment = 16,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .weights_ok = reds_portable_weights_ok,
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
