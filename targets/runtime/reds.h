/* REDS runtime: run a network that changes size at run time, in place from flash, without a heap.
 *
 *   reds_model model;
 *   reds_status status = reds_load(&model, pack, pack_bytes, arena, sizeof arena);
 *   if (status != REDS_OK) { puts(reds_reason(status)); ... }
 *   reds_select(&model, 0);                        // the smallest subnet; one pointer changes
 *   memcpy(reds_input(&model), features, reds_input_bytes(&model));
 *   reds_run(&model);
 *   const int8_t *scores = reds_output(&model);    // reds_output_bytes(&model) of them
 *
 * The pack stays where it is (4-byte aligned) and the arena belongs to the model (16-byte aligned) for as
 * long as the model is used. Inputs lie in [-127, 127]. Every length and offset of the pack is checked by
 * reds_load, once; the other calls cannot fail but for reds_select with a subnet that does not exist.
 */
#ifndef REDS_H
#define REDS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    REDS_OK,
    REDS_UNALIGNED,   /* the pack is not 4-byte aligned, or the arena not 16-byte */
    REDS_TRUNCATED,   /* fewer bytes than the pack says it has */
    REDS_NO_PACK,     /* does not begin with REDS */
    REDS_VERSION,     /* another version of the format */
    REDS_LAYOUT,      /* laid out for other kernels than these */
    REDS_CHECKSUM,    /* bytes have changed */
    REDS_MALFORMED,   /* an offset, a size or a value out of its bounds */
    REDS_UNSUPPORTED, /* a layer that this runtime does not have */
    REDS_ARENA,       /* a subnet needs more arena than was given */
    REDS_SUBNET       /* no such subnet */
} reds_status;

/* A loaded pack. The fields are the runtime's own. */
typedef struct {
    const struct reds_plan *plan; /* of the selected subnet: what reds_select changes */
    const uint8_t *plans;
    uint32_t plan_bytes;
    uint32_t subnets;
    const uint8_t *pack;
    int8_t *arena;
    const struct reds_family *kernels;
} reds_model;

/* Check a pack of at most `size` bytes and make it ready with its smallest subnet selected. On any status
 * but REDS_OK the model must not be used. Time: reads the whole pack once. */
reds_status reds_load(reds_model *model, const void *pack, size_t size, void *arena, size_t arena_size);

/* How many subnets there are, 0 the smallest. */
uint32_t reds_subnets(const reds_model *model);

/* Multiply-accumulates of one inference of a subnet, more for a larger one; 0: no such subnet. */
uint32_t reds_macs(const reds_model *model, uint32_t subnet);

/* Choose the subnet that reds_run runs, 0 the smallest: REDS_OK, or REDS_SUBNET and nothing changes. */
reds_status reds_select(reds_model *model, uint32_t subnet);

/* Where to write the selected subnet's input before each run; its bytes are the same for all subnets. */
int8_t *reds_input(const reds_model *model);
size_t reds_input_bytes(const reds_model *model);

/* One inference of the selected subnet. */
void reds_run(const reds_model *model);

/* Where the last run left its result, until the next run. */
const int8_t *reds_output(const reds_model *model);
size_t reds_output_bytes(const reds_model *model);

/* What a status means, one sentence. */
const char *reds_reason(reds_status status);

/* Bit i is set if packs of layout i run here. */
uint32_t reds_layouts(void);

#ifdef __cplusplus
}
#endif

#endif
