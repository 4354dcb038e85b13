/* Run the selected subnet layer by layer, as its plan says. */
#include "kernels/kernels.h"
#include "pack.h"
#include "reds.h"

static const reds_header *header(const reds_model *model)
{
    return (const void *)model->pack;
}

static const reds_step *last_step(const reds_model *model)
{
    return &model->plan->steps[header(model)->layers - 1u];
}

/* Run one layer of the selected subnet. `step` is layer's in the plan. */
static inline void run_layer(const reds_model *model, const reds_tensor *tensors, const reds_layer *layer,
                             const reds_step *step, uint32_t i)
{
    const int32_t *bias = (const void *)(model->pack + step->table_at);
    const reds_tensor *from = &tensors[layer->input[0]];
    const reds_op op = {
        .in = model->arena + step->input_at,
        .in2 = model->arena + step->input2_at,
        .out = model->arena + step->output_at,
        .scratch = model->arena + step->scratch_at,
        .weights = model->pack + layer->weights_at,
        .table = bias,
        .bias = bias,
        .multiplier = bias + reds_table_rows(layer->kind, step->units_out),
        .plain = step->plain_at == 0 ? NULL : model->pack + step->plain_at,
        .units_in = step->units_in,
        .units_out = step->units_out,
        .layer = layer,
        .from = from,
        .to = &tensors[i + 1],
        .zero = step->zero,
        .zero_in = step->zero_in,
    };
    model->kernels->run[layer->kind](&op);
}

/* Run all layers. The loop keeps pointers that reds_run_layer must find for each layer. */
void reds_run(const reds_model *model)
{
    const reds_header *pack = header(model);
    const reds_layer *layer = (const void *)(model->pack + pack->layers_at);
    const reds_tensor *tensors = (const void *)(model->pack + pack->tensors_at);
    const reds_step *step = model->plan->steps;
    for (uint32_t i = 0; i < pack->layers; i++, layer++, step++) {
        run_layer(model, tensors, layer, step, i);
    }
}

uint32_t reds_layers(const reds_model *model)
{
    return header(model)->layers;
}

void reds_begin(const reds_model *model, reds_inference *inference)
{
    *inference = (reds_inference){.plan = model->plan};
}

uint32_t reds_next_layer(const reds_inference *inference)
{
    return inference->next;
}

bool reds_run_layer(const reds_model *model, reds_inference *inference)
{
    const reds_header *pack = header(model);
    uint32_t i = inference->next;
    if (inference->plan != model->plan || i >= pack->layers) {
        return false;
    }
    inference->next = i + 1;
    const reds_layer *layers = (const void *)(model->pack + pack->layers_at);
    const reds_tensor *tensors = (const void *)(model->pack + pack->tensors_at);
    run_layer(model, tensors, &layers[i], &model->plan->steps[i], i);
    return true;
}

int8_t *reds_input(const reds_model *model)
{
    return model->arena + model->plan->steps[0].input_at;
}

static size_t tensor_bytes(const reds_model *model, uint32_t tensor, uint32_t units)
{
    const reds_tensor *shape =
        (const reds_tensor *)(const void *)(model->pack + header(model)->tensors_at) + tensor;
    return (size_t)shape->height * shape->width * units;
}

size_t reds_input_bytes(const reds_model *model)
{
    return tensor_bytes(model, 0, model->plan->steps[0].units_in);
}

const int8_t *reds_output(const reds_model *model)
{
    return model->arena + last_step(model)->output_at;
}

size_t reds_output_bytes(const reds_model *model)
{
    return tensor_bytes(model, header(model)->layers, last_step(model)->units_out);
}
