/* REDS runtime: run a network whose size can change at run time, in place from flash, without a heap.
 *
 *   reds_model model;
 *   reds_status status = reds_load(&model, pack, pack_bytes, arena, sizeof arena);
 *   if (status != REDS_OK) { puts(reds_reason(status)); ... }
 *   reds_select(&model, 0);                        // the smallest subnet; changes one pointer
 *   memcpy(reds_input(&model), features, reds_input_bytes(&model));
 *   reds_run(&model);
 *   const int8_t *scores = reds_output(&model);    // reds_output_bytes(&model) of them
 *
 * The pack (4-byte aligned) and the arena (16-byte aligned) must stay in place while the model is used, and
 * nothing else may write to the arena. Inputs lie in [-127, 127]. reds_load checks every byte of the pack once,
 * by the rules that the host's reader keeps too; after that only reds_select can fail, for a subnet that does
 * not exist. The memory of the pack may be larger than the pack. An arena that is larger than a subnet needs makes
 * some layers faster where flash is slow: their weights are copied to what is left of it, and read there.
 */
#ifndef REDS_H
#define REDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    REDS_OK,
    REDS_UNALIGNED,   /* the pack is not 4-byte aligned, or the arena not 16-byte aligned */
    REDS_TRUNCATED,   /* fewer bytes than the header states */
    REDS_NO_PACK,     /* the data does not begin with REDS */
    REDS_VERSION,     /* another format version than this runtime reads */
    REDS_LAYOUT,      /* no kernels on this processor for the layout of a layer */
    REDS_CHECKSUM,    /* some bytes have changed */
    REDS_MALFORMED,   /* an offset, size or value is none that the writer stores */
    REDS_UNSUPPORTED, /* no kernel for a layer in its layout */
    REDS_ARENA,       /* a subnet needs a larger arena */
    REDS_SUBNET       /* the pack has no subnet of this index */
} reds_status;

/* A loaded pack. The fields are private to the runtime. */
typedef struct {
    const struct reds_plan *plan; /* of the selected subnet; reds_select changes this pointer alone */
    const struct reds_plan *plans;
    uint32_t subnets;
    const uint8_t *pack;
    int8_t *arena;
    size_t arena_bytes;
    const struct reds_kernels *kernels; /* of this processor, by layout */
} reds_model;

/* Check a pack in a buffer of `size` bytes and select its smallest subnet. Unless the status is REDS_OK,
 * the model must not be used. Reads the whole pack once. */
reds_status reds_load(reds_model *model, const void *pack, size_t size, void *arena, size_t arena_size);

/* Return the number of subnets. Subnet 0 is the smallest. */
uint32_t reds_subnets(const reds_model *model);

/* Return the multiply-accumulates of one inference of a subnet, or 0 if it does not exist. */
uint32_t reds_macs(const reds_model *model, uint32_t subnet);

/* Return the bytes of the arena that a subnet uses, or 0 if it does not exist. */
uint32_t reds_arena_bytes(const reds_model *model, uint32_t subnet);

/* Return scale and zero point of the input: a feature z is stored as round(z / scale) + zero, limited to
 * [-127, 127]. Where the card of the pack states a mean and a deviation, z = (x - mean) / deviation. */
float reds_input_scale(const reds_model *model);
int32_t reds_input_zero(const reds_model *model);

/* Select the subnet that reds_run runs. Return REDS_SUBNET, and change nothing, if it does not exist. */
reds_status reds_select(reds_model *model, uint32_t subnet);

/* Return where to write the selected subnet's input before each run. Its size is the same for all subnets. */
int8_t *reds_input(const reds_model *model);
size_t reds_input_bytes(const reds_model *model);

/* Run one inference of the selected subnet. */
void reds_run(const reds_model *model);

/* An inference that runs layer by layer, in memory of the caller, so that firmware can do other work between
 * two layers:
 *
 *   reds_inference inference;
 *   reds_begin(&model, &inference);
 *   while (reds_run_layer(&model, &inference)) {
 *       yield();
 *   }
 *
 * reds_run runs the same layers. The fields are private to the runtime; all zeros are an inference that has
 * nothing to run. Whatever is called in between, no layer reads or writes outside the pack and the arena:
 *
 * - reds_select of another subnet stops the inference. It goes on if its own subnet is selected again.
 * - reds_load stops it, or makes it run layers of the new pack. Begin again.
 * - reds_run, another inference of this model or a write to the arena leaves it with a wrong output. Write the
 *   input and begin again. */
typedef struct {
    const struct reds_plan *plan; /* of the subnet that was selected at the beginning */
    uint32_t next;                /* the step that runs next */
} reds_inference;

/* Return the number of layers that the selected subnet runs: a small one may leave out some. */
uint32_t reds_layers(const reds_model *model);

/* Begin an inference of the selected subnet. Its input is written before the first layer runs. */
void reds_begin(const reds_model *model, reds_inference *inference);

/* Return which of the subnet's layers runs next: 0 is the first, and reds_layers(model) means that the output is
 * there. */
uint32_t reds_next_layer(const reds_inference *inference);

/* Run the next layer and return true. Run nothing and return false if no layer is left, or if another subnet is
 * selected than at the beginning. */
bool reds_run_layer(const reds_model *model, reds_inference *inference);

/* Return the output of the last run, which is valid until the next run or write of an input. */
const int8_t *reds_output(const reds_model *model);
size_t reds_output_bytes(const reds_model *model);

/* Return a sentence that says what a status means and what to do. */
const char *reds_reason(reds_status status);

/* Return the layouts that run on this processor: bit i stands for layout i. */
uint32_t reds_layouts(void);

#ifdef __cplusplus
}
#endif

#endif
