/* Check everything in a pack that could be wrong, before any of it is used. */
#include "check.h"

#include <stdbool.h>
#include <string.h>

#include "crc32.h"

static bool within(uint32_t at, uint64_t bytes, uint32_t size)
{
    return at % 4 == 0 && at <= size && bytes <= size - at;
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + REDS_ARENA_ALIGNMENT - 1) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT;
}

/* A range of bytes in the arena. */
typedef struct {
    uint32_t at;
    uint64_t bytes;
} span;

static bool in_arena(span s, uint32_t arena_bytes)
{
    return s.at % REDS_ARENA_ALIGNMENT == 0 && within(s.at, padded(s.bytes), arena_bytes);
}

static bool disjoint(span a, span b)
{
    return a.bytes == 0 || b.bytes == 0 || a.at + padded(a.bytes) <= b.at || b.at + padded(b.bytes) <= a.at;
}

static const void *at(const reds_header *pack, uint32_t offset)
{
    return (const uint8_t *)pack + offset;
}

static const reds_tensor *tensor(const reds_header *pack, uint32_t index)
{
    return (const reds_tensor *)at(pack, pack->tensors_at) + index;
}

static const reds_layer *layer_at(const reds_header *pack, uint32_t index)
{
    return (const reds_layer *)at(pack, pack->layers_at) + index;
}

static span live(const reds_header *pack, uint32_t index, uint32_t place, uint32_t units)
{
    const reds_tensor *shape = tensor(pack, index);
    return (span){place, (uint64_t)shape->height * shape->width * units};
}

/* Check the header and the checksum, and find the kernels that run the pack's layout. */
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
    while (*f != NULL && ((*f)->layout != pack->layout || !reds_available(*f))) {
        f++;
    }
    *family = *f;
    return *f == NULL ? REDS_LAYOUT : REDS_OK;
}

/* Return how many windows fit along one side, or 0 if the geometry is invalid. */
static uint32_t window_count(uint32_t side, uint32_t before, uint32_t after, uint32_t kernel, uint32_t stride)
{
    bool fits =
        kernel > 0 && stride > 0 && before < kernel && after < kernel && side + before + after >= kernel;
    return fits ? (side + before + after - kernel) / stride + 1 : 0;
}

static bool geometry_ok(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    const uint8_t *kernel = layer->kernel, *stride = layer->stride, *padding = layer->padding;
    bool windowed = to->height == window_count(from->height, padding[0], padding[2], kernel[0], stride[0]) &&
                    to->width == window_count(from->width, padding[1], padding[3], kernel[1], stride[1]);
    bool padded_sides = (padding[0] | padding[1] | padding[2] | padding[3]) != 0;
    bool plain = kernel[0] == 1 && kernel[1] == 1 && stride[0] == 1 && stride[1] == 1 && !padded_sides;
    switch (layer->kind) {
    case REDS_DENSE:
        return plain && from->height == 1 && from->width == 1 && to->height == 1 && to->width == 1;
    case REDS_CONV: /* with a fan-in of at most 2^16 no sum overflows int32 */
        return windowed && (uint64_t)kernel[0] * kernel[1] * from->units <= 1 << 16;
    case REDS_DEPTHWISE:
        return windowed && from->units == to->units;
    case REDS_AVERAGE_POOL:
    case REDS_MAX_POOL:
        return windowed && !padded_sides && from->units == to->units;
    case REDS_FLATTEN:
        return plain && to->height == 1 && to->width == 1 &&
               to->units == (uint64_t)from->height * from->width * from->units;
    default: /* an addition; check_layer checks its second input as well */
        return plain && from->height == to->height && from->width == to->width && from->units == to->units;
    }
}

static reds_status check_layer(const reds_header *pack, uint32_t i, const reds_family *family)
{
    const reds_layer *layer = layer_at(pack, i);
    if (layer->kind >= REDS_KINDS || family->run[layer->kind] == NULL) {
        return REDS_UNSUPPORTED;
    }
    bool two = layer->kind == REDS_ADD;
    if (layer->inputs != (two ? 2 : 1) || layer->input[0] > i || layer->input[1] > i ||
        layer->output != i + 1u) {
        return REDS_MALFORMED;
    }
    const reds_tensor *from = tensor(pack, layer->input[0]), *to = tensor(pack, i + 1);
    const reds_tensor *second = two ? tensor(pack, layer->input[1]) : to;
    bool ok = from->height != 0 && from->width != 0 && from->units != 0 && to->units != 0 &&
              geometry_ok(layer, from, to) && geometry_ok(layer, two ? second : from, to) &&
              layer->weights_bytes == family->weights_bytes(layer, from, to) &&
              within(layer->weights_at, layer->weights_bytes, pack->size);
    return ok ? REDS_OK : REDS_MALFORMED;
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
    reds_status status = REDS_OK;
    for (uint32_t i = 0; status == REDS_OK && i < pack->layers; i++) {
        status = check_layer(pack, i, family);
    }
    return status;
}

static bool table_ok(const reds_header *pack, const reds_layer *layer, const reds_step *step,
                     const reds_family *family)
{
    uint32_t rows = reds_table_rows(layer->kind, step->units_out);
    if (!within(step->table_at, family->table_bytes(layer, rows), pack->size) ||
        (step->plain_at != 0 && !within(step->plain_at, rows / 4, pack->size))) {
        return false;
    }
    const uint8_t *plain = step->plain_at == 0 ? NULL : at(pack, step->plain_at);
    return family->table_ok(layer, at(pack, step->table_at), rows, plain);
}

static bool units_ok(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to,
                     const reds_step *step)
{
    if (step->units_out == 0 || step->units_out > to->units || step->zero == -128 || step->zero_in == -128) {
        return false;
    }
    switch (layer->kind) {
    case REDS_DENSE:
    case REDS_CONV:
        return true;
    case REDS_FLATTEN:
        return step->units_out == (uint64_t)step->units_in * from->height * from->width;
    default:
        return step->units_out == step->units_in;
    }
}

static uint32_t units_of(const reds_header *pack, const reds_plan *plan, uint32_t index)
{
    return index == 0 ? tensor(pack, 0)->units : plan->steps[index - 1].units_out;
}

/* Check one layer of one subnet: it reads as many units as were written, and stays within the arena. */
static bool step_ok(const reds_header *pack, const reds_plan *plan, uint32_t i, const reds_family *family)
{
    const reds_layer *layer = layer_at(pack, i);
    const reds_step *step = &plan->steps[i];
    uint32_t first = layer->input[0], second = layer->inputs == 2 ? layer->input[1] : first;
    if ((layer->inputs != 2 && step->input2_at != 0) || step->units_in != units_of(pack, plan, first) ||
        step->units_in != units_of(pack, plan, second) ||
        !units_ok(layer, tensor(pack, first), tensor(pack, i + 1), step)) {
        return false;
    }
    span in = live(pack, first, step->input_at, step->units_in);
    span in2 = layer->inputs == 2 ? live(pack, second, step->input2_at, step->units_in) : in;
    span out = live(pack, i + 1, step->output_at, step->units_out);
    span scratch = {step->scratch_at, family->scratch_bytes(layer, tensor(pack, first), step)};
    return in_arena(in, plan->arena_bytes) && in_arena(in2, plan->arena_bytes) &&
           in_arena(out, plan->arena_bytes) && in_arena(scratch, plan->arena_bytes) && disjoint(in, out) &&
           disjoint(in2, out) && disjoint(in, scratch) && disjoint(in2, scratch) && disjoint(out, scratch) &&
           table_ok(pack, layer, step, family);
}

static reds_status check_plans(const reds_header *pack, size_t arena_size, const reds_family *family)
{
    const uint8_t *plans = at(pack, pack->plans_at);
    const reds_plan *smaller = NULL;
    for (uint32_t s = 0; s < pack->subnets; s++) {
        const reds_plan *plan = (const void *)(plans + s * pack->plan_bytes);
        if (plan->arena_bytes > arena_size) {
            return REDS_ARENA;
        }
        for (uint32_t i = 0; i < pack->layers; i++) {
            bool nested = smaller == NULL || smaller->steps[i].units_out <= plan->steps[i].units_out;
            if (!nested || !step_ok(pack, plan, i, family)) {
                return REDS_MALFORMED;
            }
        }
        smaller = plan;
    }
    return REDS_OK;
}

reds_status reds_check(const reds_header *pack, size_t size, size_t arena_size, const reds_family **family)
{
    reds_status status = check_header(pack, size, family);
    if (status == REDS_OK) {
        status = check_layers(pack, *family);
    }
    return status == REDS_OK ? check_plans(pack, arena_size, *family) : status;
}
