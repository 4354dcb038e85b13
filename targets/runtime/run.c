/* Run the selected subnet step by step, as its plan says. */
#include "kernels/kernels.h"
#include "pack.h"
#include "reds.h"

static const reds_header *header(const reds_model *model)
{
    return (const void *)model->pack;
}

static const reds_tensor *tensors_of(const reds_model *model)
{
    return reds_at(model->pack, header(model)->tensors_at);
}

static const reds_room *rooms_of(const reds_model *model)
{
    return reds_rooms(model->pack, model->plan);
}

static size_t room_bytes(const reds_model *model, uint32_t tensor)
{
    const reds_tensor *shape = &tensors_of(model)[tensor];
    return (size_t)shape->height * shape->width * rooms_of(model)[tensor].units;
}

/* What all steps of a subnet share: values of their own, so that no kernel may change them. */
typedef struct {
    const uint8_t *pack;
    const reds_layer *layers;
    const reds_tensor *tensors;
    const reds_room *rooms;
    int8_t *arena;
    const reds_kernels *kernels;
} shared;

static inline shared shared_by(const reds_model *model)
{
    return (shared){
        .pack = model->pack,
        .layers = reds_at(model->pack, header(model)->layers_at),
        .tensors = tensors_of(model),
        .rooms = rooms_of(model),
        .arena = model->arena,
        .kernels = model->kernels,
    };
}

/* Replace each value y of an output by table[y + 128]. */
static void activate(const reds_op *op, const int8_t *table)
{
    const int8_t *middle = table + 128;
    uint32_t left = reds_positions(op->to) * op->units_out;
    int8_t *out = op->out;
    for (; left >= 4; left -= 4, out += 4) {
        int8_t a = middle[out[0]], b = middle[out[1]], c = middle[out[2]], d = middle[out[3]];
        out[0] = a;
        out[1] = b;
        out[2] = c;
        out[3] = d;
    }
    for (; left > 0; left--, out++) {
        *out = middle[*out];
    }
}

/* Run a step. `op` has the model; it is the same for all steps, so that each writes only what is its own. */
static inline void run_step(const shared *s, const reds_step *step, reds_op *op)
{
    const reds_layer *layer = &s->layers[step->layer];
    uint32_t input = layer->input[0], output = step->layer + 1u;
    const reds_room *in = &s->rooms[input], *out = &s->rooms[output];
    op->in = s->arena + in->at;
    op->out = s->arena + out->at;
    op->scratch = s->arena + step->scratch_at;
    op->weights = s->pack + layer->weights_at;
    op->table = s->pack + step->table_at;
    op->plain = step->plain_at == 0 ? NULL : s->pack + step->plain_at;
    op->layer = layer;
    op->from = &s->tensors[input];
    op->to = &s->tensors[output];
    op->units_in = in->units;
    op->units_out = out->units;
    op->zero = step->zero;
    op->zero_in = in->zero;
    s->kernels->of[layer->layout]->run[layer->kind](op);
    if (step->activation_at != 0) {
        activate(op, reds_at(s->pack, step->activation_at));
    }
}

void reds_run(const reds_model *model)
{
    const shared all = shared_by(model);
    reds_op op;
    op.model = model;
    const reds_step *step = reds_steps(model->pack, model->plan), *end = step + model->plan->steps;
    for (; step != end; step++) {
        run_step(&all, step, &op);
    }
}

uint32_t reds_layers(const reds_model *model)
{
    return model->plan->steps;
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
    uint32_t next = inference->next;
    if (inference->plan != model->plan || next >= model->plan->steps) {
        return false;
    }
    inference->next = next + 1;
    const shared all = shared_by(model);
    reds_op op;
    op.model = model;
    run_step(&all, &reds_steps(model->pack, model->plan)[next], &op);
    return true;
}

int8_t *reds_input(const reds_model *model)
{
    return model->arena + rooms_of(model)[0].at;
}

size_t reds_input_bytes(const reds_model *model)
{
    return room_bytes(model, 0);
}

const int8_t *reds_output(const reds_model *model)
{
    return model->arena + rooms_of(model)[header(model)->layers].at;
}

size_t reds_output_bytes(const reds_model *model)
{
    return room_bytes(model, header(model)->layers);
}
