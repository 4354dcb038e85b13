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

/* Return whether the subnet has all inputs of a layer: of a concat with as many units in all as it writes, of other
 * layers with one number of units. */
static bool units_read_ok(const work *w, const reds_room *rooms)
{
    uint32_t sum = 0;
    for (uint32_t k = 0; k < w->layer->inputs; k++) {
        uint32_t units = rooms[w->layer->input[k]].units;
        if (units == 0 || (w->layer->kind != REDS_CONCAT && units != w->in->units)) {
            return false;
        }
        sum += units;
    }
    return w->layer->kind != REDS_CONCAT || sum == w->out->units;
}

/* Return whether the subnet cuts no block of a grouped convolution, and no head of an attention. */
static bool blocks_ok(const work *w)
{
    uint32_t reads = w->from->units / w->layer->groups, writes = w->to->units / w->layer->groups;
    return w->in->units % reads == 0 && w->out->units == w->in->units / reads * writes;
}

/* Return whether a layer that makes other units of its input reads and writes all of them. */
static bool whole(const work *w)
{
    return w->in->units == w->from->units && w->out->units == w->to->units;
}

/* Return whether the subnet writes as many units as the kind does. */
static bool units_ok(const work *w, const reds_room *rooms)
{
    if (!units_read_ok(w, rooms)) {
        return false;
    }
    switch (w->layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
    case REDS_TRANSPOSED:
    case REDS_CONCAT:
        return true;
    case REDS_GROUPED:
    case REDS_ATTENTION:
        return blocks_ok(w);
    case REDS_FLATTEN:
        return w->out->units == (uint64_t)w->in->units * reds_positions(w->from);
    case REDS_TRANSPOSE:
        return whole(w);
    default: /* a reshape that keeps the number of units among them */
        return w->from->units == w->to->units ? w->out->units == w->in->units : whole(w);
    }
}

/* Return whether the zero point before the activation table is valid, and that of the room equal if there is none. */
static bool zeros_ok(const work *w)
{
    int32_t zero = w->step->zero;
    return reds_is_zero_point(zero) && (w->layer->relu == 0 || zero == -127) &&
           (!reds_copies(w->layer->kind) || zero == w->in->zero) &&
           (w->step->activation_at != 0 || zero == w->out->zero);
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

static uint64_t macs_of(const reds_header *pack, const work *w)
{
    uint64_t taps = (uint64_t)w->layer->kernel[0] * w->layer->kernel[1], units = w->out->units;
    switch (w->layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        return reds_positions(w->to) * taps * w->in->units * units;
    case REDS_DEPTHWISE:
        return reds_positions(w->to) * taps * units;
    case REDS_GROUPED:
        return reds_positions(w->to) * taps * (w->from->units / w->layer->groups) * units;
    case REDS_TRANSPOSED: /* of each value that is read */
        return reds_positions(w->from) * taps * w->in->units * units;
    case REDS_ATTENTION: /* scores, and weighted sums */
        return 2ull * reds_positions(w->from) * reds_positions(reds_tensor_at(pack, w->layer->input[1])) *
               units;
    default:
        return 0;
    }
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
        macs += macs_of(pack, &w);
    }
    return step == end && macs == plan->macs && reds_is_scale(plan->output_scale);
}
