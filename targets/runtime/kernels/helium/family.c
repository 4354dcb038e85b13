/* The family of Helium: sizes of its layout, and the kernels by kind of layer. */
#include "helium.h"

#ifdef REDS_HELIUM

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        return (uint64_t)((to->units + 3u) / 4) * 64 * reds_helium_chunks(layer, from->units);
    case REDS_DEPTHWISE:
        return (uint64_t)layer->kernel[0] * layer->kernel[1] * 16 * reds_helium_chunks_of(to->units);
    default:
        return 0;
    }
}

static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in)
{
    const reds_tensor *from = &tensors[layer->input[0]];
    switch (layer->kind) {
    case REDS_CONV:
        return reds_helium_copy_bytes(layer, from, units_in) + reds_helium_window_bytes(layer, from->units);
    case REDS_DEPTHWISE:
        return reds_helium_depthwise_copy(layer, from, units_in) +
               (reds_helium_shared(layer, from, units_in) ? 16u * layer->kernel[0] * layer->kernel[1] : 0);
    default:
        return 0;
    }
}

const reds_family reds_helium = {
    .layout = 7,
    .alignment = 16,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .weights_ok = reds_portable_weights_ok,
    .table_bytes = reds_portable_table_bytes,
    .table_ok = reds_portable_table_ok,
    .run =
        {
            [REDS_DENSE] = reds_helium_dense,
            [REDS_CONV] = reds_helium_conv,
            [REDS_DEPTHWISE] = reds_helium_depthwise,
            [REDS_AVERAGE_POOL] = reds_helium_average_pool,
            [REDS_MAX_POOL] = reds_helium_max_pool,
            [REDS_ADD] = reds_helium_add,
        },
};

#endif
