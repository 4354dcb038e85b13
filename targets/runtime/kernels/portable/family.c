/* The portable family: what its layout takes, and its kernels by kind. */
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

static bool row_ok(const reds_layer *layer, int32_t bias, int32_t multiplier, bool plain)
{
    (void)layer;
    return !plain && reds_row_ok(bias, multiplier);
}

const reds_family reds_portable = {
    .layout = 0,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .row_ok = row_ok,
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
