/* Load and check a pack, select a subnet. All that could be wrong with a pack is found here, once. */
#include <stdbool.h>
#include <string.h>

#include "crc32.h"
#include "kernels/kernels.h"
#include "pack.h"
#include "reds.h"

static bool within(uint32_t at, uint64_t bytes, uint32_t size)
{
    return at % 4 == 0 && at <= size && bytes <= size - at;
}

static uint32_t padded(uint32_t bytes)
{
    return (bytes + REDS_ARENA_ALIGNMENT - 1) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT;
}

static bool in_arena(uint32_t at, uint32_t bytes, uint32_t arena_bytes)
{
    return at % REDS_ARENA_ALIGNMENT == 0 && within(at, padded(bytes), arena_bytes);
}

static bool apart(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes)
{
    return a_bytes == 0 || b_bytes == 0 || a + padded(a_bytes) <= b || b + padded(b_bytes) <= a;
}

static const void *at(const reds_header *pack, uint32_t offset)
{
    return (const uint8_t *)pack + offset;
}

static const reds_tensor *tensors(const reds_header *pack)
{
    return at(pack, pack->tensors_at);
}

static const reds_layer *layers(const reds_header *pack)
{
    return at(pack, pack->layers_at);
}

/* Header and checksum: whether these are the bytes that were written. */
static reds_status check_header(const reds_header *pack, size_t size, const reds_family **family)
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
    if (reds_crc32(0, at(pack, REDS_PACK_CRC_FROM), pack->size - REDS_PACK_CRC_FROM) != pack->crc) {
        return REDS_CHECKSUM;
    }
    const reds_family *const *f = reds_families;
    while (*f != NULL && (*f)->layout != pack->layout) {
        f++;
    }
    *family = *f;
    return *f == NULL ? REDS_LAYOUT : REDS_OK;
}

static reds_status check_layers(const reds_header *pack, const reds_family *family)
{
    if (pack->layers == 0 || pack->subnets == 0 || pack->tensors != pack->layers + 1u ||
        pack->plan_bytes != sizeof(reds_plan) + pack->layers * sizeof(reds_step) ||
        !within(pack->tensors_at, (uint64_t)pack->tensors * sizeof(reds_tensor), pack->size) ||
        !within(pack->layers_at, (uint64_t)pack->layers * sizeof(reds_layer), pack->size) ||
        !within(pack->plans_at, (uint64_t)pack->subnets * pack->plan_bytes, pack->size)) {
        return REDS_MALFORMED;
    }
    for (uint32_t i = 0; i < pack->layers; i++) {
        const reds_layer *layer = &layers(pack)[i];
        if (layer->kind >= REDS_KINDS || family->run[layer->kind] == NULL) {
            return REDS_UNSUPPORTED;
        }
        if (layer->inputs != 1 || layer->input[0] > i || layer->output != i + 1u) {
            return REDS_MALFORMED;
        }
        const reds_tensor *in = &tensors(pack)[layer->input[0]], *out = &tensors(pack)[layer->output];
        if (in->height != 1 || in->width != 1 || out->height != 1 || out->width != 1 || in->units == 0 ||
            out->units == 0 || layer->weights_bytes != family->weights_bytes(in, out) ||
            !within(layer->weights_at, layer->weights_bytes, pack->size)) {
            return REDS_MALFORMED;
        }
    }
    return REDS_OK;
}

static bool table_ok(const reds_header *pack, const reds_step *step, const reds_family *family)
{
    uint32_t rows = (step->units_out + 3u) / 4 * 4;
    if (!within(step->table_at, (uint64_t)rows * 8, pack->size) ||
        (step->plain_at != 0 && !within(step->plain_at, rows / 4, pack->size))) {
        return false;
    }
    const int32_t *bias = at(pack, step->table_at), *multiplier = bias + rows;
    const uint8_t *plain = step->plain_at == 0 ? NULL : at(pack, step->plain_at);
    for (uint32_t r = 0; r < rows; r++) {
        if (!family->row_ok(bias[r], multiplier[r], plain != NULL && plain[r / 4] != 0)) {
            return false;
        }
    }
    return true;
}

/* One subnet: the units that a layer reads are those written before, and all it touches is in the arena. */
static reds_status check_plan(const reds_header *pack, const reds_plan *plan, const reds_plan *smaller,
                              const reds_family *family)
{
    for (uint32_t i = 0; i < pack->layers; i++) {
        const reds_layer *layer = &layers(pack)[i];
        const reds_step *step = &plan->steps[i];
        uint32_t source = layer->input[0], scratch = family->scratch_bytes(step);
        uint32_t written = source == 0 ? tensors(pack)[0].units : plan->steps[source - 1].units_out;
        if (step->units_in != written || step->units_out == 0 ||
            step->units_out > tensors(pack)[layer->output].units ||
            (smaller != NULL && smaller->steps[i].units_out > step->units_out) || step->zero == -128 ||
            !in_arena(step->input_at, step->units_in, plan->arena_bytes) ||
            !in_arena(step->output_at, step->units_out, plan->arena_bytes) ||
            !in_arena(step->scratch_at, scratch, plan->arena_bytes) ||
            !apart(step->input_at, step->units_in, step->output_at, step->units_out) ||
            !apart(step->input_at, step->units_in, step->scratch_at, scratch) ||
            !apart(step->output_at, step->units_out, step->scratch_at, scratch) ||
            !table_ok(pack, step, family)) {
            return REDS_MALFORMED;
        }
    }
    return REDS_OK;
}

reds_status reds_load(reds_model *model, const void *pack, size_t size, void *arena, size_t arena_size)
{
    const reds_header *header = pack;
    const reds_family *family = NULL;
    if ((uintptr_t)pack % 4 != 0 || (uintptr_t)arena % REDS_ARENA_ALIGNMENT != 0) {
        return REDS_UNALIGNED;
    }
    reds_status status = check_header(header, size, &family);
    if (status == REDS_OK) {
        status = check_layers(header, family);
    }
    const uint8_t *plans = status == REDS_OK ? at(header, header->plans_at) : NULL;
    const reds_plan *smaller = NULL;
    for (uint32_t s = 0; status == REDS_OK && s < header->subnets; s++) {
        const reds_plan *plan = (const void *)(plans + s * header->plan_bytes);
        status = plan->arena_bytes > arena_size ? REDS_ARENA : check_plan(header, plan, smaller, family);
        smaller = plan;
    }
    if (status == REDS_OK) {
        *model = (reds_model){
            .plan = (const void *)plans,
            .plans = plans,
            .plan_bytes = header->plan_bytes,
            .subnets = header->subnets,
            .pack = pack,
            .arena = arena,
            .kernels = family,
        };
    }
    return status;
}

reds_status reds_select(reds_model *model, uint32_t subnet)
{
    if (subnet >= model->subnets) {
        return REDS_SUBNET;
    }
    model->plan = (const void *)(model->plans + subnet * model->plan_bytes);
    return REDS_OK;
}

uint32_t reds_layouts(void)
{
    uint32_t bits = 0;
    for (const reds_family *const *f = reds_families; *f != NULL; f++) {
        bits |= UINT32_C(1) << (*f)->layout;
    }
    return bits;
}

const char *reds_reason(reds_status status)
{
    static const char *const reasons[] = {
        [REDS_OK] = "ready",
        [REDS_UNALIGNED] = "the pack is not 4-byte aligned, or the arena not 16-byte",
        [REDS_TRUNCATED] = "fewer bytes than the pack says it has",
        [REDS_NO_PACK] = "no pack there: it does not begin with REDS",
        [REDS_VERSION] = "the pack is of another format version than this runtime",
        [REDS_LAYOUT] = "the pack is laid out for other kernels than this build has",
        [REDS_CHECKSUM] = "the pack's checksum does not match: some bytes have changed",
        [REDS_MALFORMED] = "an offset, a size or a value in the pack is out of its bounds",
        [REDS_UNSUPPORTED] = "the pack has a layer that this runtime does not have",
        [REDS_ARENA] = "a subnet needs more arena than there is",
        [REDS_SUBNET] = "the pack has no such subnet",
    };
    return reasons[status];
}
