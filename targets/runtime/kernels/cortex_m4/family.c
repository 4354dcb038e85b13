/* The Cortex-M4's family: sizes and checks of layout radix256, and the kernels by kind of layer. */
#include "conv.h"
#include "depthwise.h"
#include "units.h"
#include "values.h"

#ifdef __ARM_FEATURE_DSP

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    if (reds_m4_is_depthwise(layer, from)) {
        reds_m4_strips strips;
        return reds_m4_strips_of(layer, from, &strips) ? reds_portable.weights_bytes(layer, from, to)
                                                       : UINT64_MAX;
    }
    if (layer->kind == REDS_GROUPED) {
        return UINT64_MAX;
    }
    uint64_t in = (from->units + 3u) / 4 * 4, out = (to->units + 3u) / 4 * 4;
    switch (layer->kind) {
    case REDS_DENSE:
        return in * out;
    case REDS_CONV:
        return (uint64_t)reds_m4_conv_quads(layer, from) * 4 * out;
    default:
        return reds_portable.weights_bytes(layer, from, to);
    }
}

static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in)
{
    const reds_tensor *from = &tensors[layer->input[0]];
    if (reds_m4_is_depthwise(layer, from)) {
        reds_m4_strips strips;
        (void)reds_m4_strips_of(layer, from, &strips);
        return reds_m4_is_few(layer, &strips) ? reds_m4_few_scratch(layer, units_in) : strips.scratch;
    }
    switch (layer->kind) {
    case REDS_DENSE:
        return (units_in + 3) / 4 * 8;
    case REDS_CONV:
        return reds_m4_conv_scratch(layer, from, units_in);
    case REDS_MAX_POOL:
        return reds_m4_pool_scratch(layer, from, units_in);
    default:
        return reds_portable.scratch_bytes(layer, tensors, units_in);
    }
}

static uint64_t table_bytes(const reds_layer *layer, uint32_t rows)
{
    return reds_weighted(layer->kind) ? sizeof(reds_m4_table) + 4ull * rows
                                      : reds_portable_table_bytes(layer, rows);
}

/* Return whether the plain rows are valid: a byte of 0 or 1 a group, not all of them 0, and all 1 if none is fast. */
static bool plain_ok(const uint8_t *plain, uint32_t groups, bool fast)
{
    if (plain == NULL) {
        return fast;
    }
    uint32_t count = 0;
    for (uint32_t g = 0; g < groups; g++) {
        if (plain[g] > 1) {
            return false;
        }
        count += plain[g];
    }
    return count > 0 && (fast || count == groups);
}

/* Return whether a layer has rows of sums that are 256 times as large. */
static bool paired(const reds_layer *layer)
{
    return reds_is_one_of(layer->kind, 1 << REDS_DENSE | 1 << REDS_CONV);
}

/* Return whether no weight is -128. A halfword of pairs holds 256 * w1 + w0. */
static bool weights_ok(const reds_layer *layer, const void *weights)
{
    if (!paired(layer)) {
        return reds_portable_weights_ok(layer, weights);
    }
    const int16_t *pair = weights;
    for (uint32_t i = 0; i < layer->weights_bytes / 2; i++) {
        int32_t w0 = (int8_t)pair[i], w1 = (int8_t)((pair[i] - w0) >> 8);
        if (w0 == INT8_MIN || w1 == INT8_MIN) {
            return false;
        }
    }
    return true;
}

/* Return whether 16-bit halves of the rows are padded with zeros, and whether no smaller shift holds them. */
static bool halves_ok(const int16_t *half, uint32_t units, uint32_t rows, bool least_shift)
{
    int32_t largest = 0;
    for (uint32_t r = 0; r < rows; r++) {
        int32_t size = half[2 * r] < 0 ? -half[2 * r] : half[2 * r];
        if (size > (r < units ? INT16_MAX : 0)) {
            return false;
        }
        largest = size > largest ? size : largest;
    }
    return least_shift || largest > INT16_MAX / 2;
}

static bool table_ok(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain)
{
    if (!reds_weighted(layer->kind)) {
        return reds_portable_table_ok(layer, table, units, plain);
    }
    const reds_m4_table *m4_table = table;
    const int16_t *half = (const void *)m4_table->rows;
    uint32_t rows = reds_table_rows(layer->kind, units), radix_shift = paired(layer) ? 8 : 0;
    uint32_t bias_shift = m4_table->bias_shift - radix_shift, shift = m4_table->shift - radix_shift;
    return bias_shift <= 14 && shift >= 1 && shift <= 8 && m4_table->reserved == 0 &&
           halves_ok(half, units, rows, bias_shift == 0) && halves_ok(half + 1, units, rows, shift == 8) &&
           (paired(layer) ? plain_ok(plain, rows / 4, bias_shift <= 8) : plain == NULL);
}

const reds_family reds_cortex_m4 = {
    .layout = 4,
    .alignment = 4,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .weights_ok = weights_ok,
    .table_bytes = table_bytes,
    .table_ok = table_ok,
    .run =
        {
            [REDS_DENSE] = reds_m4_run_dense,
            [REDS_CONV] = reds_m4_run_conv,
            [REDS_DEPTHWISE] = reds_m4_run_depthwise,
            [REDS_AVERAGE_POOL] = reds_m4_run_average_pool,
            [REDS_MAX_POOL] = reds_m4_run_max_pool,
            [REDS_ADD] = reds_m4_run_add,
            [REDS_FLATTEN] = reds_m4_run_flatten,
            [REDS_UPSAMPLE] = reds_m4_run_upsample,
            [REDS_MULTIPLY] = reds_m4_run_multiply,
            [REDS_CONCAT] = reds_m4_run_concat,
            [REDS_PRELU] = reds_m4_run_prelu,
            [REDS_LAYER_NORM] = reds_m4_run_layer_norm,
            [REDS_EMBED] = reds_m4_run_embed,
            [REDS_TRANSPOSE] = reds_m4_run_flatten,
            [REDS_RESHAPE] = reds_m4_run_reshape,
            [REDS_GROUPED] = reds_m4_run_depthwise,
            [REDS_ATTENTION] = reds_m4_run_attention,
        },
};

#endif
