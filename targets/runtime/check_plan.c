/* Check one plan of a pack: the units, zero points and table of each step, and the multiply-accumulates. */
#include "check.h"

static uint32_t units_of(const reds_header *pack, const reds_plan *plan, uint32_t tensor)
{
    return tensor == 0 ? reds_tensor_at(pack, 0)->units : plan->steps[tensor - 1].units_out;
}

static int32_t zero_of(const reds_header *pack, const reds_plan *plan, uint32_t tensor)
{
    return tensor == 0 ? pack->input_zero : plan->steps[tensor - 1].zero;
}

static bool units_ok(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to,
                     const reds_step *step)
{
    if (step->units_out == 0 || step->units_out > to->units) {
        return false;
    }
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        return true;
    case REDS_FLATTEN:
        return step->units_out == (uint64_t)step->units_in * reds_positions(from);
    default:
        return step->units_out == step->units_in;
    }
}

static bool zeros_ok(const reds_layer *layer, const reds_step *step)
{
    bool copies = layer->kind == REDS_MAX_POOL || layer->kind == REDS_FLATTEN;
    return reds_is_zero_point(step->zero) && (layer->relu == 0 || step->zero == -127) &&
           (!copies || step->zero == step->zero_in);
}

/* Return whether a section is there: the next one of the pack, or that of the smaller subnet if they are equal. */
static bool section_ok(reds_cursor *cursor, uint32_t at, uint64_t bytes, uint32_t smaller_at,
                       uint64_t smaller_bytes)
{
    if (bytes == 0) {
        return at == 0;
    }
    bool comparable = smaller_at != 0 && bytes == smaller_bytes;
    if (comparable && at == smaller_at) {
        return true;
    }
    const void *section = reds_take(cursor, at, bytes);
    return section != NULL &&
           !(comparable && memcmp(section, reds_at(cursor->pack, smaller_at), (size_t)bytes) == 0);
}

static bool table_ok(reds_cursor *cursor, const reds_layer *layer, const reds_step *step,
                     const reds_step *smaller)
{
    const reds_family *family = cursor->family;
    uint32_t rows = reds_table_rows(layer->kind, step->units_out);
    uint32_t fewer = reds_table_rows(layer->kind, smaller->units_out);
    uint32_t plain_bytes = step->plain_at == 0 ? 0 : rows / 4;
    if (!section_ok(cursor, step->table_at, family->table_bytes(layer, rows), smaller->table_at,
                    family->table_bytes(layer, fewer)) ||
        !section_ok(cursor, step->plain_at, plain_bytes, smaller->plain_at, fewer / 4)) {
        return false;
    }
    const uint8_t *plain = step->plain_at == 0 ? NULL : reds_at(cursor->pack, step->plain_at);
    return family->table_ok(layer, reds_at(cursor->pack, step->table_at), step->units_out, plain);
}

static uint64_t step_macs(const reds_layer *layer, const reds_tensor *to, const reds_step *step)
{
    uint64_t fan_in = (uint64_t)layer->kernel[0] * layer->kernel[1];
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        fan_in *= step->units_in;
        break;
    case REDS_DEPTHWISE:
        break;
    default:
        return 0;
    }
    return reds_positions(to) * fan_in * step->units_out;
}

/* Check one layer of one subnet. `smaller` is its step in the next smaller subnet, or all zeros. */
static bool step_ok(reds_cursor *cursor, const reds_plan *plan, uint32_t i, const reds_step *smaller)
{
    const reds_header *pack = cursor->pack;
    const reds_layer *layer = reds_layer_at(pack, i);
    const reds_step *step = &plan->steps[i];
    uint32_t first = layer->input[0], second = layer->inputs == 2 ? layer->input[1] : first;
    return step->units_in == units_of(pack, plan, first) && step->units_in == units_of(pack, plan, second) &&
           step->zero_in == zero_of(pack, plan, first) && step->reserved == 0 &&
           smaller->units_out <= step->units_out &&
           units_ok(layer, reds_tensor_at(pack, first), reds_tensor_at(pack, i + 1), step) &&
           zeros_ok(layer, step) && table_ok(cursor, layer, step, smaller);
}

bool reds_plan_ok(reds_cursor *cursor, const reds_plan *plan, const reds_plan *smaller)
{
    static const reds_step none = {0};
    uint64_t macs = 0;
    for (uint32_t i = 0; i < cursor->pack->layers; i++) {
        if (!step_ok(cursor, plan, i, smaller == NULL ? &none : &smaller->steps[i])) {
            return false;
        }
        macs +=
            step_macs(reds_layer_at(cursor->pack, i), reds_tensor_at(cursor->pack, i + 1), &plan->steps[i]);
    }
    return macs == plan->macs && reds_is_scale(plan->output_scale) && plan->reserved == 0;
}
