/* Check the tensors and layers of a pack: sizes, order and the number of weights. */
#include "check.h"

static bool tensor_ok(const reds_tensor *tensor)
{
    uint64_t bytes = reds_tensor_values(tensor);
    return bytes > 0 && bytes <= REDS_TENSOR_BYTES && tensor->reserved == 0;
}

/* Return whether a layer reads as many tensors as its kind requires, all of them written before. */
static bool inputs_ok(const reds_layer *layer, uint32_t i)
{
    uint32_t least = 1, most = 1;
    switch (layer->kind) {
    case REDS_ADD:
    case REDS_MULTIPLY:
        least = most = 2;
        break;
    case REDS_ATTENTION:
        least = most = 3;
        break;
    case REDS_CONCAT:
        least = 2;
        most = REDS_INPUTS;
        break;
    default:
        break;
    }
    bool ok = layer->inputs >= least && layer->inputs <= most;
    for (uint32_t k = 0; k < REDS_INPUTS; k++) {
        ok = ok && layer->input[k] <= (k < layer->inputs ? i : 0);
    }
    return ok;
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
    const reds_tensor *to = reds_tensor_at(pack, i + 1);
    if (layer->relu > !reds_copies(layer->kind) || !inputs_ok(layer, i) || !tensor_ok(to) ||
        !reds_shape_ok(pack, i)) {
        return REDS_MALFORMED;
    }
    uint64_t bytes = family->weights_bytes(layer, reds_tensor_at(pack, layer->input[0]), to);
    if (bytes == UINT64_MAX) {
        return REDS_UNSUPPORTED;
    }
    return layer->weights_bytes == bytes && (bytes > 0 || layer->weights_at == 0) ? REDS_OK : REDS_MALFORMED;
}

reds_status reds_check_layers(const reds_header *pack, const reds_kernels *kernels)
{
    reds_status status = tensor_ok(reds_tensor_at(pack, 0)) ? REDS_OK : REDS_MALFORMED;
    uint64_t values = reds_tensor_values(reds_tensor_at(pack, 0));
    for (uint32_t i = 0; status == REDS_OK && i < pack->layers; i++) {
        status = check_layer(pack, i, kernels);
        if (status == REDS_OK) {
            values += reds_tensor_values(reds_tensor_at(pack, i + 1)) + reds_window_values(pack, i);
        }
    }
    return status == REDS_OK && values > REDS_VALUES ? REDS_MALFORMED : status;
}
