/* Check the arena of one plan: what is in use at the same time shares no bytes. */
#include "check.h"

/* A range of bytes in the arena, rounded up to whole alignments. */
typedef struct {
    uint32_t at;
    uint64_t bytes;
} span;

static span span_of(uint32_t at, uint64_t bytes)
{
    return (span){at, (bytes + REDS_ARENA_ALIGNMENT - 1) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT};
}

static bool in_arena(span s, uint32_t arena_bytes)
{
    return s.at % REDS_ARENA_ALIGNMENT == 0 && s.at + s.bytes <= arena_bytes;
}

static bool disjoint(span a, span b)
{
    return a.bytes == 0 || b.bytes == 0 || a.at + a.bytes <= b.at || b.at + b.bytes <= a.at;
}

static span tensor_span(const reds_header *pack, const reds_plan *plan, uint32_t tensor)
{
    const reds_step *first = plan->steps;
    uint32_t units = tensor == 0 ? first->units_in : first[tensor - 1].units_out;
    uint32_t at = tensor == 0 ? first->input_at : first[tensor - 1].output_at;
    return span_of(at, (uint64_t)reds_positions(reds_tensor_at(pack, tensor)) * units);
}

static span scratch_span(const reds_header *pack, const reds_plan *plan, uint32_t i,
                         const reds_family *family)
{
    const reds_layer *layer = reds_layer_at(pack, i);
    const reds_step *step = &plan->steps[i];
    return span_of(step->scratch_at,
                   family->scratch_bytes(layer, reds_tensor_at(pack, layer->input[0]), step));
}

/* Return the last layer that reads a tensor. One that no layer reads is in use to the end. */
static uint32_t last_reader(const reds_header *pack, uint32_t tensor)
{
    for (uint32_t i = pack->layers; i-- > tensor;) {
        const reds_layer *layer = reds_layer_at(pack, i);
        if (layer->input[0] == tensor || (layer->inputs == 2 && layer->input[1] == tensor)) {
            return i;
        }
    }
    return pack->layers - 1u;
}

/* Return whether a step reads its inputs where they were written. */
static bool inputs_ok(const reds_header *pack, const reds_plan *plan, uint32_t i)
{
    const reds_layer *layer = reds_layer_at(pack, i);
    const reds_step *step = &plan->steps[i];
    uint32_t second = layer->inputs == 2 ? tensor_span(pack, plan, layer->input[1]).at : 0;
    return step->input_at == tensor_span(pack, plan, layer->input[0]).at && step->input2_at == second;
}

/* Return whether no layer writes over a tensor while it is in use. */
static bool tensor_kept(const reds_header *pack, const reds_plan *plan, uint32_t tensor,
                        const reds_family *family)
{
    span kept = tensor_span(pack, plan, tensor);
    if (!in_arena(kept, plan->arena_bytes)) {
        return false;
    }
    uint32_t last = last_reader(pack, tensor);
    for (uint32_t i = tensor == 0 ? 0 : tensor - 1; i <= last; i++) {
        if ((i + 1 != tensor && !disjoint(kept, tensor_span(pack, plan, i + 1))) ||
            !disjoint(kept, scratch_span(pack, plan, i, family))) {
            return false;
        }
    }
    return true;
}

bool reds_arena_ok(const reds_header *pack, const reds_plan *plan, const reds_family *family)
{
    bool ok = plan->arena_bytes % REDS_ARENA_ALIGNMENT == 0;
    for (uint32_t i = 0; ok && i < pack->layers; i++) {
        ok = inputs_ok(pack, plan, i) && in_arena(scratch_span(pack, plan, i, family), plan->arena_bytes);
    }
    for (uint32_t tensor = 0; ok && tensor <= pack->layers; tensor++) {
        ok = tensor_kept(pack, plan, tensor, family);
    }
    return ok;
}
