/* Load a pack and select a subnet. */
#include "check.h"
#include "kernels/kernels.h"
#include "pack.h"
#include "reds.h"

/* Return whether this processor runs all families of an entry. */
static bool available(const reds_kernels *kernels)
{
    for (uint32_t layout = 0; layout < REDS_LAYOUTS; layout++) {
        const reds_family *family = kernels->of[layout];
        if (family != NULL && family->available != NULL && !family->available()) {
            return false;
        }
    }
    return true;
}

const reds_kernels *reds_kernels_here(void)
{
    const reds_kernels *kernels = reds_processors;
    while (!available(kernels)) {
        kernels++;
    }
    return kernels;
}

reds_status reds_load(reds_model *model, const void *pack, size_t size, void *arena, size_t arena_size)
{
    const reds_header *header = pack;
    const reds_kernels *kernels = reds_kernels_here();
    if ((uintptr_t)pack % 4 != 0 || (uintptr_t)arena % REDS_ARENA_ALIGNMENT != 0) {
        return REDS_UNALIGNED;
    }
    reds_status status = reds_check(header, size, arena_size, kernels);
    if (status == REDS_OK) {
        const reds_plan *plans = reds_at(pack, header->plans_at);
        *model = (reds_model){
            .plan = plans,
            .plans = plans,
            .subnets = header->subnets,
            .pack = pack,
            .arena = arena,
            .arena_bytes = arena_size,
            .kernels = kernels,
        };
    }
    return status;
}

uint32_t reds_subnets(const reds_model *model)
{
    return model->subnets;
}

uint32_t reds_macs(const reds_model *model, uint32_t subnet)
{
    return subnet < model->subnets ? model->plans[subnet].macs : 0;
}

uint32_t reds_arena_bytes(const reds_model *model, uint32_t subnet)
{
    return subnet < model->subnets ? model->plans[subnet].arena_bytes : 0;
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
    model->plan = &model->plans[subnet];
    return REDS_OK;
}

uint32_t reds_layouts(void)
{
    uint32_t bits = 0;
    const reds_kernels *kernels = reds_kernels_here();
    for (uint32_t layout = 0; layout < REDS_LAYOUTS; layout++) {
        bits |= kernels->of[layout] != NULL ? UINT32_C(1) << layout : 0;
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
        [REDS_VERSION] = "the pack has another format version: `reds convert` makes one of this version",
        [REDS_LAYOUT] = "no kernels here for the layout of a layer: convert the pack with `reds layout`",
        [REDS_CHECKSUM] = "the checksum of the pack does not match: some bytes have changed",
        [REDS_MALFORMED] = "an offset, size or value in the pack is out of bounds: build the pack again",
        [REDS_UNSUPPORTED] = "a layer of the pack has no kernel in its layout: use the canonical one",
        [REDS_ARENA] = "a subnet needs a larger arena: `reds inspect` and `reds layout` print the bytes",
        [REDS_SUBNET] = "the pack has no subnet of this index",
    };
    return reasons[status];
}
