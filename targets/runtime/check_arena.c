/* Check the arena of one plan: what is in use at the same time shares no bytes. */
#include "check.h"

/* A range of bytes in the arena, rounded up to whole alignments. */
typedef struct {
    uint32_t at;
    uint64_t bytes;
} span;

/* One plan of a pack. */
typedef struct {
    const reds_header *pack;
    const reds_plan *plan;
    const reds_room *rooms;
    const reds_step *steps;
    const reds_kernels *kernels;
} view;

static span span_of(uint32_t at, uint64_t bytes)
{
    return (span){at, (bytes + REDS_ARENA_ALIGNMENT - 1) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT};
}

static bool in_arena(const view *v, span s)
{
    return s.at % REDS_ARENA_ALIGNMENT == 0 && s.at + s.bytes <= v->plan->arena_bytes;
}

static bool disjoint(span a, span b)
{
    return a.bytes == 0 || b.bytes == 0 || a.at + a.bytes <= b.at || b.at + b.bytes <= a.at;
}

static span tensor_span(const view *v, uint32_t tensor)
{
    const reds_room *room = &v->rooms[tensor];
    return span_of(room->at, (uint64_t)reds_positions(reds_tensor_at(v->pack, tensor)) * room->units);
}

static span scratch_span(const view *v, const reds_step *step)
{
    const reds_layer *layer = reds_layer_at(v->pack, step->layer);
    return span_of(step->scratch_at, v->kernels->of[layer->layout]->scratch_bytes(
                                         layer, reds_tensor_at(v->pack, 0), v->rooms[layer->input[0]].units));
}

static bool reads(const view *v, const reds_step *step, uint32_t tensor)
{
    const reds_layer *layer = reds_layer_at(v->pack, step->layer);
    for (uint32_t k = 0; k < layer->inputs; k++) {
        if (v->rooms[layer->input[k]].holds == tensor) {
            return true;
        }
    }
    return false;
}

/* Return the last step that reads a tensor or one that stands for it. A tensor that no step reads is in use to the
 * end. */
static uint32_t last_use(const view *v, uint32_t tensor)
{
    for (uint32_t s = v->plan->steps; s-- > 0;) {
        if (reads(v, &v->steps[s], tensor)) {
            return s;
        }
    }
    return v->plan->steps - 1;
}

/* Return whether no step writes over a tensor, which is in use from step `first` on. */
static bool tensor_kept(const view *v, uint32_t tensor, uint32_t first)
{
    span kept = tensor_span(v, tensor);
    if (!in_arena(v, kept)) {
        return false;
    }
    uint32_t last = last_use(v, tensor);
    for (uint32_t s = first; s <= last; s++) {
        uint32_t output = v->steps[s].layer + 1u;
        if ((output != tensor && !disjoint(kept, tensor_span(v, output))) ||
            !disjoint(kept, scratch_span(v, &v->steps[s]))) {
            return false;
        }
    }
    return true;
}

bool reds_arena_ok(const reds_header *pack, const reds_plan *plan, const reds_kernels *kernels)
{
    const view v = {pack, plan, reds_rooms(pack, plan), reds_steps(pack, plan), kernels};
    bool ok = plan->arena_bytes % REDS_ARENA_ALIGNMENT == 0 && tensor_kept(&v, 0, 0);
    for (uint32_t s = 0; ok && s < plan->steps; s++) {
        ok = in_arena(&v, scratch_span(&v, &v.steps[s])) && tensor_kept(&v, v.steps[s].layer + 1u, s);
    }
    return ok;
}
