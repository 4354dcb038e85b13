/* Check the header of a pack and the order of its sections. */
#include "check.h"

#include "crc32.h"

static reds_status check_header(const reds_header *pack, size_t size)
{
    if (size < sizeof *pack) {
        return REDS_TRUNCATED;
    }
    if (memcmp(pack->magic, "REDS", 4) != 0) {
        return REDS_NO_PACK;
    }
    if (pack->version != REDS_PACK_VERSION) {
        return REDS_VERSION;
    }
    if (pack->size > size || pack->size < sizeof *pack) {
        return REDS_TRUNCATED;
    }
    uint32_t crc = reds_crc32(0, reds_at(pack, REDS_PACK_CRC_FROM), pack->size - REDS_PACK_CRC_FROM);
    return crc == pack->crc ? REDS_OK : REDS_CHECKSUM;
}

static const reds_plan *plan_at(const reds_header *pack, uint32_t subnet)
{
    return (const reds_plan *)reds_at(pack, pack->plans_at) + subnet;
}

/* Return whether the rooms and steps of all plans follow each other, from `at` to the first table. */
static bool rooms_and_steps_ok(const reds_header *pack, uint64_t at)
{
    for (uint32_t s = 0; s < pack->subnets; s++) {
        const reds_plan *plan = plan_at(pack, s);
        uint64_t steps_at = at + pack->tensors * sizeof(reds_room);
        if (plan->rooms_at != at || plan->steps_at != steps_at || plan->steps > pack->layers) {
            return false;
        }
        at = steps_at + plan->steps * sizeof(reds_step);
    }
    return pack->tables_at == at && at <= pack->size;
}

/* Return whether the sections before the tables follow each other and lie in the pack. */
static bool sections_ok(const reds_header *pack)
{
    uint64_t layers_at = sizeof *pack + pack->tensors * sizeof(reds_tensor);
    uint64_t plans_at = layers_at + pack->layers * sizeof(reds_layer);
    uint64_t rooms_at = plans_at + pack->subnets * sizeof(reds_plan);
    return pack->layers > 0 && pack->layers <= REDS_LAYERS && pack->subnets > 0 &&
           pack->subnets <= REDS_SUBNETS && pack->tensors == pack->layers + 1u &&
           pack->flags <= REDS_STANDARDIZED && pack->tensors_at == sizeof *pack &&
           pack->layers_at == layers_at && pack->plans_at == plans_at && rooms_at <= pack->size &&
           rooms_and_steps_ok(pack, rooms_at);
}

const void *reds_take(reds_cursor *cursor, uint32_t at, uint64_t bytes, uint32_t alignment)
{
    uint32_t size = cursor->pack->size, gap = (0 - cursor->end) & (alignment - 1);
    if (at < cursor->end || at - cursor->end != gap || at > size || bytes > size - at) {
        return NULL;
    }
    for (; cursor->end < at; cursor->end++) {
        if (*(const uint8_t *)reds_at(cursor->pack, cursor->end) != 0) {
            return NULL;
        }
    }
    cursor->end += (uint32_t)bytes;
    return reds_at(cursor->pack, at);
}

static bool label_ok(const reds_header *pack, uint32_t subnet)
{
    const char *label = plan_at(pack, subnet)->label;
    for (uint32_t s = 0; s < subnet; s++) {
        if (memcmp(plan_at(pack, s)->label, label, sizeof plan_at(pack, s)->label) == 0) {
            return false;
        }
    }
    return reds_is_name(label, sizeof plan_at(pack, subnet)->label);
}

static reds_status check_plans(reds_cursor *cursor, size_t arena_size)
{
    const reds_header *pack = cursor->pack;
    for (uint32_t s = 0; s < pack->subnets; s++) {
        const reds_plan *plan = plan_at(pack, s);
        if (plan->arena_bytes > arena_size) {
            return REDS_ARENA;
        }
        const reds_plan *smaller = s == 0 ? NULL : plan_at(pack, s - 1);
        if (!label_ok(pack, s) || !reds_rooms_ok(pack, plan, smaller) ||
            !reds_plan_ok(cursor, plan, smaller) || !reds_arena_ok(pack, plan, cursor->kernels)) {
            return REDS_MALFORMED;
        }
    }
    return REDS_OK;
}

/* Check the weights, which end the pack. */
static reds_status check_weights(reds_cursor *cursor)
{
    for (uint32_t i = 0; i < cursor->pack->layers; i++) {
        const reds_layer *layer = reds_layer_at(cursor->pack, i);
        if (layer->weights_bytes > 0) {
            const reds_family *family = cursor->kernels->of[layer->layout];
            const void *weights =
                reds_take(cursor, layer->weights_at, layer->weights_bytes, family->alignment);
            if (weights == NULL || !family->weights_ok(layer, weights)) {
                return REDS_MALFORMED;
            }
        }
    }
    return cursor->end == cursor->pack->size ? REDS_OK : REDS_MALFORMED;
}

reds_status reds_check(const reds_header *pack, size_t size, size_t arena_size, const reds_kernels *kernels)
{
    reds_status status = check_header(pack, size);
    if (status != REDS_OK) {
        return status;
    }
    if (!sections_ok(pack) || !reds_is_scale(pack->input_scale) || !reds_is_zero_point(pack->input_zero) ||
        !reds_is_name(pack->name, sizeof pack->name)) {
        return REDS_MALFORMED;
    }
    reds_cursor cursor = {pack, kernels, pack->tables_at};
    status = reds_check_layers(pack, kernels);
    if (status == REDS_OK) {
        status = check_plans(&cursor, arena_size);
    }
    return status == REDS_OK ? check_weights(&cursor) : status;
}
