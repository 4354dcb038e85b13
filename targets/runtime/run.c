/* Run the selected subnet: layer after layer, by its plan. */
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

void reds_run(const reds_model *model)
{
    const reds_header *pack = header(model);
    const reds_layer *layer = (const void *)(model->pack + pack->layers_at);
    const reds_tensor *tensors = (const void *)(model->pack + pack->tensors_at);
    const reds_step *step = model->plan->steps;
    for (uint32_t i = 0; i < pack->layers; i++, layer++, step++) {
        const int32_t *bias = (const void *)(model->pack + step->table_at);
        const reds_op op = {
            .in = model->arena + step->input_at,
            .out = model->arena + step->output_at,
            .scratch = model->arena + step->scratch_at,
            .weights = model->pack + layer->weights_at,
            .bias = bias,
            .multiplier = bias + (step->units_out + 3u) / 4 * 4,
            .plain = step->plain_at == 0 ? NULL : model->pack + step->plain_at,
            .units_in = step->units_in,
            .units_out = step->units_out,
            .full_in = tensors[layer->input[0]].units,
            .zero = step->zero,
        };
        model->kernels->run[layer->kind](&op);
    }
}

int8_t *reds_input(const reds_model *model)
{
    return model->arena + model->plan->steps[0].input_at;
}

size_t reds_input_bytes(const reds_model *model)
{
    return model->plan->steps[0].units_in;
}

const int8_t *reds_output(const reds_model *model)
{
    return model->arena + last_step(model)->output_at;
}

size_t reds_output_bytes(const reds_model *model)
{
    return last_step(model)->units_out;
}
