/* The Cortex-M4's family: what layout radix256 takes, and its kernels by kind. */
#include "cortex_m4.h"

#ifdef __ARM_FEATURE_DSP

static uint32_t conv_quads(const reds_layer *layer, uint32_t full, uint32_t units)
{
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1];
    return full % 4 != 0 ? (taps * full + 3) / 4 : taps * ((units + 3) / 4);
}

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    uint64_t in = (from->units + 3u) / 4 * 4, out = (to->units + 3u) / 4 * 4;
    switch (layer->kind) {
    case REDS_DENSE:
        return in * out;
    case REDS_CONV:
        return (uint64_t)conv_quads(layer, from->units, from->units) * 4 * ((to->units + 1u) / 2 * 2);
    case REDS_DEPTHWISE: /* other kernels are not to be had: no size is right */
        return layer->kernel[0] == 3 && layer->kernel[1] == 3 ? 18 * out : UINT64_MAX;
    default:
        return 0;
    }
}

static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *from, const reds_step *step)
{
    uint32_t line = ((uint32_t)from->width + layer->padding[1] + layer->padding[3]) * step->units_in;
    switch (layer->kind) {
    case REDS_DENSE:
        return (step->units_in + 3u) / 4 * 8;
    case REDS_CONV:
        return conv_quads(layer, from->units, step->units_in) * 24;
    case REDS_DEPTHWISE:
        return 4 * ((line + 7) / 4 * 4) + (step->units_in + 3u) / 4 * 4;
    default:
        return 0;
    }
}

/* Dense and convolution hold 256 * bias and m / 256 in rows that are not plain. */
static bool row_ok(const reds_layer *layer, int32_t bias, int32_t multiplier, bool plain)
{
    bool scaled = !plain && (layer->kind == REDS_DENSE || layer->kind == REDS_CONV);
    return scaled ? bias % 256 == 0 && multiplier >= -(1 << 23) && multiplier < 1 << 23
                  : reds_row_ok(bias, multiplier);
}

const reds_family reds_cortex_m4 = {
    .layout = 1,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .row_ok = row_ok,
    .run =
        {
            [REDS_DENSE] = reds_m4_run_dense,
            [REDS_CONV] = reds_m4_run_conv,
            [REDS_DEPTHWISE] = reds_m4_run_depthwise,
            [REDS_AVERAGE_POOL] = reds_m4_run_average_pool,
            [REDS_MAX_POOL] = reds_portable_max_pool,
            [REDS_ADD] = reds_portable_add,
            [REDS_FLATTEN] = reds_portable_flatten,
        },
};

#endif
