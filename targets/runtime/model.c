/* Load a pack and select a subnet. */
#include "check.h"
#include "kernels/kernels.h"
#include "pack.h"
#include "reds.h"

reds_status reds_load(reds_model *model, const void *pack, size_t size, void *arena, size_t arena_size)
{
    const reds_header *header = pack;
    const reds_family *family = NULL;
    if ((uintptr_t)pack % 4 != 0 || (uintptr_t)arena % REDS_ARENA_ALIGNMENT != 0) {
        return REDS_UNALIGNED;
    }
    reds_status status = reds_check(header, size, arena_size, &family);
    if (status == REDS_OK) {
        const uint8_t *plans = (const uint8_t *)pack + header->plans_at;
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

static const reds_plan *plan_of(const reds_model *model, uint32_t subnet)
{
    return (const void *)(model->plans + subnet * model->plan_bytes);
}

uint32_t reds_subnets(const reds_model *model)
{
    return model->subnets;
}

uint32_t reds_macs(const reds_model *model, uint32_t subnet)
{
    return subnet < model->subnets ? plan_of(model, subnet)->macs : 0;
}

uint32_t reds_arena_bytes(const reds_model *model, uint32_t subnet)
{
    return subnet < model->subnets ? plan_of(model, subnet)->arena_bytes : 0;
}

static const reds_header *header_of(const reds_model *model)
{
    return (const void *)model->pack;
}

float reds_input_scale(const reds_model *model)
{
    return header_of(model)->input_scale;
}

int32_t reds_input_zero(const reds_model *model)
{
    return header_of(model)->input_zero;
}

reds_status reds_select(reds_model *model, uint32_t subnet)
{
    if (subnet >= model->subnets) {
        return REDS_SUBNET;
    }
    model->plan = plan_of(model, subnet);
    return REDS_OK;
}

uint32_t reds_layouts(void)
{
    uint32_t bits = 0;
    for (const reds_family *const *f = reds_families; *f != NULL; f++) {
        bits |= reds_available(*f) ? UINT32_C(1) << (*f)->layout : 0;
    }
    return bits;
}

const char *reds_reason(reds_status status)
{
    static const char *const reasons[] = {
        [REDS_OK] = "the pack is ready",
        [REDS_UNALIGNED] = "the pack must be 4-byte aligned and the arena 16-byte aligned",
        [REDS_TRUNCATED] = "the pack has fewer bytes than its header states: copy the whole file",
        [REDS_NO_PACK] = "no pack: the data does not begin with REDS",
        [REDS_VERSION] = "the pack has another format version: use the runtime of its release",
        [REDS_LAYOUT] = "no kernels here for the pack's layout: convert it with `reds layout`",
        [REDS_CHECKSUM] = "the checksum of the pack does not match: some bytes have changed",
        [REDS_MALFORMED] = "an offset, size or value in the pack is out of bounds: build the pack again",
        [REDS_UNSUPPORTED] = "a layer of the pack has no kernel here: use the canonical layout",
        [REDS_ARENA] = "a subnet needs a larger arena: `reds inspect` and `reds layout` print the bytes",
        [REDS_SUBNET] = "the pack has no subnet of this index",
    };
    return reasons[status];
}
