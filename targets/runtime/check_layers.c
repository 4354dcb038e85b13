/* Check the tensors and layers of a pack: shapes, windows, order and the number of weights. */
#include "check.h"

/* Return how many windows fit along one side, or 0 if the geometry is invalid. */
static uint32_t window_count(uint32_t side, uint32_t before, uint32_t after, uint32_t kernel, uint32_t stride)
{
    bool fits =
        kernel > 0 && stride > 0 && before < kernel && after < kernel && side + before + after >= kernel;
    return fits ? (side + before + after - kernel) / stride + 1 : 0;
}

/* Return the values that all windows of a layer read; 0 for a kind that slides no window. */
static uint64_t window_values(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    bool slides = layer->kind >= REDS_CONV && layer->kind <= REDS_MAX_POOL;
    return slides ? (uint64_t)reds_positions(to) * layer->kernel[0] * layer->kernel[1] * from->units : 0;
}

static bool geometry_ok(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    const uint8_t *kernel = layer->kernel, *stride = layer->stride, *padding = layer->padding;
    uint32_t taps = (uint32_t)kernel[0] * kernel[1];
    bool windowed = to->height == window_count(from->height, padding[0], padding[2], kernel[0], stride[0]) &&
                    to->width == window_count(from->width, padding[1], padding[3], kernel[1], stride[1]) &&
                    window_values(layer, from, to) <= REDS_WINDOW_VALUES;
    bool padded_sides = (padding[0] | padding[1] | padding[2] | padding[3]) != 0;
    bool plain = kernel[0] == 1 && kernel[1] == 1 && stride[0] == 1 && stride[1] == 1 && !padded_sides;
    switch (layer->kind) {
    case REDS_DENSE:
        return plain && reds_positions(from) == 1 && reds_positions(to) == 1;
    case REDS_CONV: /* with a fan-in of at most 2^16 no sum overflows int32 */
        return windowed && taps * from->units <= 1 << 16;
    case REDS_DEPTHWISE:
        return windowed && from->units == to->units;
    case REDS_AVERAGE_POOL:
    case REDS_MAX_POOL:
        return windowed && !padded_sides && from->units == to->units;
    case REDS_FLATTEN:
        return plain && reds_positions(to) == 1 && to->units == (uint64_t)reds_positions(from) * from->units;
    default: /* an addition; inputs_ok compares its inputs */
        return plain && reds_same_shape(from, to);
    }
}

static uint64_t tensor_values(const reds_tensor *tensor)
{
    return (uint64_t)reds_positions(tensor) * tensor->units;
}

static bool tensor_ok(const reds_tensor *tensor)
{
    uint64_t bytes = tensor_values(tensor);
    return bytes > 0 && bytes <= REDS_TENSOR_BYTES && tensor->reserved == 0;
}

/* Return whether a layer reads as many tensors as its kind requires, all of them written before. */
static bool inputs_ok(const reds_header *pack, uint32_t i)
{
    const reds_layer *layer = reds_layer_at(pack, i);
    bool ok = layer->inputs == (layer->kind == REDS_ADD ? 2 : 1);
    for (uint32_t k = 0; k < REDS_INPUTS; k++) {
        ok = ok && layer->input[k] <= (k < layer->inputs ? i : 0);
    }
    return ok && (layer->inputs < 2 || reds_same_shape(reds_tensor_at(pack, layer->input[0]),
                                                       reds_tensor_at(pack, layer->input[1])));
}

static reds_status check_layer(const reds_header *pack, uint32_t i, const reds_kernels *kernels)
{
    const reds_layer *layer = reds_layer_at(pack, i);
    const reds_family *family = layer->layout < REDS_LAYOUTS ? kernels->of[layer->layout] : NULL;
    if (family == NULL) {
        return REDS_LAYOUT;
    }
    if (layer->kind >= REDS_KINDS || family->run[layer->kind] == NULL) {
        return REDS_UNSUPPORTED;
    }
    bool copies = layer->kind == REDS_MAX_POOL || layer->kind == REDS_FLATTEN;
    if (layer->relu > !copies || layer->dilation[0] != 1 || layer->dilation[1] != 1 || layer->groups != 1 ||
        !inputs_ok(pack, i)) {
        return REDS_MALFORMED;
    }
    const reds_tensor *from = reds_tensor_at(pack, layer->input[0]), *to = reds_tensor_at(pack, i + 1);
    if (!tensor_ok(to) || !geometry_ok(layer, from, to)) {
        return REDS_MALFORMED;
    }
    uint64_t bytes = family->weights_bytes(layer, from, to);
    if (bytes == UINT64_MAX) {
        return REDS_UNSUPPORTED;
    }
    return layer->weights_bytes == bytes && (bytes > 0 || layer->weights_at == 0) ? REDS_OK : REDS_MALFORMED;
}

reds_status reds_check_layers(const reds_header *pack, const reds_kernels *kernels)
{
    reds_status status = tensor_ok(reds_tensor_at(pack, 0)) ? REDS_OK : REDS_MALFORMED;
    uint64_t values = tensor_values(reds_tensor_at(pack, 0));
    for (uint32_t i = 0; status == REDS_OK && i < pack->layers; i++) {
        const reds_layer *layer = reds_layer_at(pack, i);
        status = check_layer(pack, i, kernels);
        if (status == REDS_OK) {
            const reds_tensor *from = reds_tensor_at(pack, layer->input[0]),
                              *to = reds_tensor_at(pack, i + 1);
            values += tensor_values(to) + window_values(layer, from, to);
        }
    }
    return status == REDS_OK && values > REDS_VALUES ? REDS_MALFORMED : status;
}
