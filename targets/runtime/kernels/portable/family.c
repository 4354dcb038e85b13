/* The portable family: sizes of the canonical layout, and the kernels by kind of layer. */
#include "portable.h"

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    uint64_t taps = (uint64_t)layer->kernel[0] * layer->kernel[1];
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
    case REDS_GROUPED:
    case REDS_TRANSPOSED:
        return taps * (from->units / layer->groups) * to->units;
    case REDS_DEPTHWISE:
        return taps * to->units;
    case REDS_EMBED:
        return (uint64_t)reds_positions(to) * to->units;
    default:
        return 0;
    }
}

/* An attention has a number for each position of its keys. */
static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in)
{
    (void)units_in;
    return layer->kind == REDS_ATTENTION ? 4 * reds_positions(&tensors[layer->input[1]]) : 0;
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
            [REDS_GROUPED] = reds_portable_conv,
            [REDS_TRANSPOSED] = reds_portable_transposed,
            [REDS_UPSAMPLE] = reds_portable_upsample,
            [REDS_MULTIPLY] = reds_portable_multiply,
            [REDS_CONCAT] = reds_portable_concat,
            [REDS_PRELU] = reds_portable_prelu,
            [REDS_LAYER_NORM] = reds_portable_layer_norm,
            [REDS_ATTENTION] = reds_portable_attention,
            [REDS_EMBED] = reds_portable_embed,
            [REDS_TRANSPOSE] = reds_portable_flatten,
            [REDS_RESHAPE] = reds_portable_reshape,
        },
};
