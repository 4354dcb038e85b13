/* Check the steps of one plan: units, zero points, tables, and the multiply-accumulates. */
#include "check.h"

/* A layer as one subnet runs it. */
typedef struct {
    const reds_layer *layer;
    const reds_step *step;
    const reds_room *in, *out;
    const reds_tensor *from, *to;
} work;

static work work_of(const reds_header *pack, const reds_room *rooms, const reds_step *step)
{
    const reds_layer *layer = reds_layer_at(pack, step->layer);
    uint32_t first = layer->input[0], output = step->layer + 1u;
    return (work){
        .layer = layer,
        .step = step,
        .in = &rooms[first],
        .out = &rooms[output],
        .from = reds_tensor_at(pack, first),
        .to = reds_tensor_at(pack, output),
    };
}

/* Return whether the subnet has all inputs of a layer, with one number of units, and writes as many as the kind
 * does. */
static bool units_ok(const work *w, const reds_room *rooms)
{
    uint32_t units_in = w->in->units, units_out = w->out->units;
    for (uint32_t k = 0; k < w->layer->inputs; k++) {
        if (rooms[w->layer->input[k]].units != units_in) {
            return false;
        }
    }
    switch (w->layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        return units_in > 0;
    case REDS_FLATTEN:
        return units_out == (uint64_t)units_in * reds_positions(w->from);
    default:
        return units_out == units_in;
    }
}

/* Return whether the zero point before the activation table is valid, and that of the room equal if there is none. */
static bool zeros_ok(const work *w)
{
    bool copies = w->layer->kind == REDS_MAX_POOL || w->layer->kind == REDS_FLATTEN;
    int32_t zero = w->step->zero;
    return reds_is_zero_point(zero) && (w->layer->relu == 0 || zero == -127) &&
           (!copies || zero == w->in->zero) && (w->step->activation_at != 0 || zero == w->out->zero);
}

/* A table of a step, or its plain rows. */
typedef struct {
    uint32_t at;
    uint64_t bytes;
} section;

/* Return whether a section is there: the next one of the pack, or that of the smaller subnet if they are equal. */
static bool section_ok(reds_cursor *cursor, section own, section smaller, uint32_t alignment)
{
    if (own.bytes == 0) {
        return own.at == 0;
    }
    bool comparable = smaller.at != 0 && own.bytes == smaller.bytes;
    if (comparable && own.at == smaller.at) {
        return true;
    }
    const void *bytes = reds_take(cursor, own.at, own.bytes, alignment);
    return bytes != NULL &&
           !(comparable && memcmp(bytes, reds_at(cursor->pack, smaller.at), (size_t)own.bytes) == 0);
}

/* Return whether an activation table gives values that tensors hold, and none for -128, which no kernel writes. */
static bool activation_ok(reds_cursor *cursor, const work *w, uint32_t smaller_at)
{
    uint32_t at = w->step->activation_at;
    if (at == 0) {
        return true;
    }
    section own = {at, REDS_ACTIVATION_BYTES}, smaller = {smaller_at, REDS_ACTIVATION_BYTES};
    if (w->layer->relu != 0 || !section_ok(cursor, own, smaller, 4)) {
        return false;
    }
    const int8_t *table = reds_at(cursor->pack, at);
    return table[0] == 0 && memchr(table, 0x80, REDS_ACTIVATION_BYTES) == NULL;
}

/* Check the table and the plain rows of a step, then its activation table. `smaller` is the step of the next smaller
 * subnet in the same layer, which writes `fewer_units`; all zeros if there is none. */
static bool tables_ok(reds_cursor *cursor, const work *w, const reds_step *smaller, uint32_t fewer_units)
{
    const reds_family *family = cursor->kernels->of[w->layer->layout];
    uint32_t rows = reds_table_rows(w->layer->kind, w->out->units);
    uint32_t fewer = reds_table_rows(w->layer->kind, fewer_units);
    section table = {w->step->table_at, family->table_bytes(w->layer, rows)};
    section plain = {w->step->plain_at, w->step->plain_at == 0 ? 0 : rows / 4};
    if (!section_ok(cursor, table, (section){smaller->table_at, family->table_bytes(w->layer, fewer)},
                    family->alignment) ||
        !section_ok(cursor, plain, (section){smaller->plain_at, fewer / 4}, family->alignment)) {
        return false;
    }
    return family->table_ok(w->layer, reds_at(cursor->pack, table.at), w->out->units,
                            plain.at == 0 ? NULL : reds_at(cursor->pack, plain.at)) &&
           activation_ok(cursor, w, smaller->activation_at);
}

static uint64_t macs_of(const work *w)
{
    uint64_t fan_in = (uint64_t)w->layer->kernel[0] * w->layer->kernel[1];
    switch (w->layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        fan_in *= w->in->units;
        break;
    case REDS_DEPTHWISE:
        break;
    default:
        return 0;
    }
    return reds_positions(w->to) * fan_in * w->out->units;
}

bool reds_plan_ok(reds_cursor *cursor, const reds_plan *plan, const reds_plan *smaller)
{
    static const reds_step none = {0};
    const reds_header *pack = cursor->pack;
    const reds_room *rooms = reds_rooms(pack, plan);
    const reds_room *fewer = smaller == NULL ? NULL : reds_rooms(pack, smaller);
    const reds_step *step = reds_steps(pack, plan), *end = step + plan->steps;
    const reds_step *old = smaller == NULL ? NULL : reds_steps(pack, smaller);
    uint64_t macs = 0;
    for (uint32_t i = 0; i < pack->layers; i++) {
        if (!reds_written(rooms, i + 1)) {
            continue; /* nor does the smaller subnet run the layer: subnets are nested */
        }
        if (step == end || step->layer != i || step->reserved != 0) {
            return false;
        }
        work w = work_of(pack, rooms, step++);
        bool ran = fewer != NULL && reds_written(fewer, i + 1);
        if (!units_ok(&w, rooms) || !zeros_ok(&w) ||
            !tables_ok(cursor, &w, ran ? old++ : &none, ran ? fewer[i + 1].units : 0)) {
            return false;
        }
        macs += macs_of(&w);
    }
    return step == end && macs == plan->macs && reds_is_scale(plan->output_scale);
}
