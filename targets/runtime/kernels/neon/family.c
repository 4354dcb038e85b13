/* The families of aarch64, with SDOT and without: sizes of layout neon, and the kernels by kind of layer. */
#include "neon.h"

#ifdef __aarch64__

#ifdef __linux__ /* and Android */
#include <asm/hwcap.h>
#include <sys/auxv.h>

static bool has_dotprod(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#else
static bool has_dotprod(void)
{
#ifdef __ARM_FEATURE_DOTPROD
    return true;
#else
    return false;
#endif
}
#endif

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    uint32_t read = (uint32_t)from->units / layer->groups, written = (uint32_t)to->units / layer->groups;
    if (layer->kind == REDS_GROUPED && (read | written) % 4 != 0) {
        return UINT64_MAX;
    }
    uint64_t rows = (to->units + 3u) / 4 * 4;
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
    case REDS_TRANSPOSED:
    case REDS_GROUPED:
        return 4 * rows * reds_neon_quads(layer, read);
    case REDS_DEPTHWISE:
        return (uint64_t)layer->kernel[0] * layer->kernel[1] * ((to->units + 7u) / 8 * 8);
    case REDS_EMBED:
        return (uint64_t)reds_positions(to) * to->units;
    default:
        return 0;
    }
}

static uint32_t at_most(uint64_t bytes)
{
    return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes; /* larger than any arena */
}

static uint32_t scratch_bytes(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in)
{
    const reds_tensor *from = &tensors[layer->input[0]];
    switch (layer->kind) {
    case REDS_DENSE:
        return units_in % 4 != 0 ? units_in + 4 : 0;
    case REDS_CONV:
    case REDS_TRANSPOSED:
    case REDS_GROUPED:
        return at_most(reds_neon_copy_bytes(layer, from, units_in));
    case REDS_DEPTHWISE:
        return at_most(reds_neon_depthwise_bytes(layer, from, units_in));
    case REDS_ATTENTION: /* a number for each position of its keys */
        return 4 * reds_positions(&tensors[layer->input[1]]);
    default:
        return 0;
    }
}

static void dense_baseline(const reds_op *op)
{
    reds_neon_dense(op, reds_neon_rows_baseline);
}

static void conv_baseline(const reds_op *op)
{
    reds_neon_conv(op, reds_neon_rows_baseline);
}

static void dense_dotprod(const reds_op *op)
{
    reds_neon_dense(op, reds_neon_rows_dotprod);
}

static void conv_dotprod(const reds_op *op)
{
    reds_neon_conv(op, reds_neon_rows_dotprod);
}

#define FAMILY(dense, conv)                                                                       \
    .layout = 5, .alignment = 16, .weights_bytes = weights_bytes, .scratch_bytes = scratch_bytes, \
    .weights_ok = reds_portable_weights_ok, .table_bytes = reds_portable_table_bytes,             \
    .table_ok = reds_portable_table_ok,                                                           \
    .run = {                                                                                      \
        [REDS_DENSE] = dense,                                                                     \
        [REDS_GROUPED] = conv,                                                                    \
        [REDS_TRANSPOSED] = conv,                                                                 \
        [REDS_CONV] = conv,                                                                       \
        [REDS_DEPTHWISE] = reds_neon_depthwise,                                                   \
        [REDS_AVERAGE_POOL] = reds_neon_average_pool,                                             \
        [REDS_MAX_POOL] = reds_neon_max_pool,                                                     \
        [REDS_ADD] = reds_neon_add,                                                               \
        [REDS_FLATTEN] = reds_neon_flatten,                                                       \
        [REDS_ATTENTION] = reds_neon_attention,                                                   \
        [REDS_MULTIPLY] = reds_neon_multiply,                                                     \
        [REDS_CONCAT] = reds_neon_concat,                                                         \
        [REDS_PRELU] = reds_neon_prelu,                                                           \
        [REDS_EMBED] = reds_neon_embed,                                                           \
    }

const reds_family reds_neon_dotprod = {.available = has_dotprod, FAMILY(dense_dotprod, conv_dotprod)};
const reds_family reds_neon_baseline = {FAMILY(dense_baseline, conv_baseline)};

#endif
