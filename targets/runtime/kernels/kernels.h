/* The interface between the runtime and a family of kernels. A family runs layers of one layout. The loader
 * checks each layer against the sizes that its family states, so that kernels need no checks of their own. */
#ifndef REDS_KERNELS_H
#define REDS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../pack.h"
#include "../reds.h"

/* One layer of one subnet, ready to run. Tensors are NHWC and hold only the units of the subnet. */
typedef struct {
    const int8_t
        *in;     /* the first input: 16-byte aligned in the arena, readable up to a multiple of 16 bytes */
    int8_t *out; /* likewise, and writable */
    void *scratch;
    const void *weights;
    const void *table;    /* of this subnet, in the format of the layout */
    const uint8_t *plain; /* a byte a group of four rows (pack.h, plain_at), or NULL */
    const reds_layer *layer;
    const reds_tensor *from, *to; /* of the full net; from->units is the stride of the weights */
    const reds_model *model;
    uint32_t units_in, units_out;
    int32_t zero, zero_in;
} reds_op;

/* Return the room of the input k of a layer, its shape and its values. */
static inline const reds_room *reds_input_room(const reds_op *op, uint32_t k)
{
    return &reds_rooms(op->model->pack, op->model->plan)[op->layer->input[k]];
}

static inline const reds_tensor *reds_input_shape(const reds_op *op, uint32_t k)
{
    const reds_header *pack = (const void *)op->model->pack;
    return (const reds_tensor *)reds_at(pack, pack->tensors_at) + op->layer->input[k];
}

static inline const int8_t *reds_input_values(const reds_op *op, uint32_t k)
{
    return op->model->arena + reds_input_room(op, k)->at;
}

/* Return so many bytes of the arena that the selected subnet's plan leaves free, 16-byte aligned; NULL if it leaves
 * fewer. They keep their values until the next layer. */
static inline void *reds_spare(const reds_op *op, size_t bytes)
{
    uint32_t planned = op->model->plan->arena_bytes;
    return bytes <= op->model->arena_bytes - planned ? op->model->arena + planned : NULL;
}

/* Return the halves of a table of int32. */
static inline const int32_t *reds_biases(const reds_op *op)
{
    return op->table;
}

static inline const int32_t *reds_multipliers(const reds_op *op)
{
    return reds_biases(op) + reds_table_rows(op->layer->kind, op->units_out);
}

typedef void (*reds_kernel)(const reds_op *op);

typedef struct reds_family {
    uint32_t layout;
    uint32_t alignment;      /* of weights and tables in the pack: a power of two */
    bool (*available)(void); /* whether this processor can run it; NULL: always */
    /* Return the bytes of a layer's weights, or UINT64_MAX if its kernel does not run such a layer. */
    uint64_t (*weights_bytes)(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to);
    uint32_t (*scratch_bytes)(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in);
    bool (*weights_ok)(const reds_layer *layer, const void *weights);
    uint64_t (*table_bytes)(const reds_layer *layer, uint32_t rows);
    bool (*table_ok)(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain);
    reds_kernel run[REDS_KINDS]; /* by kind of layer; NULL: not supported */
} reds_family;

/* The families that run on one kind of processor, by their layouts; NULL for a layout without kernels there. */
typedef struct reds_kernels {
    const reds_family *of[REDS_LAYOUTS];
} reds_kernels;

/* The kinds of processor of this build, the fastest first. The last one has the portable kernels alone. */
extern const reds_kernels reds_processors[];
extern const reds_family reds_portable;
extern const reds_family reds_cortex_m4, reds_helium;
extern const reds_family reds_x86_avx512, reds_x86_avxvnni, reds_x86_avx2;
extern const reds_family reds_neon_dotprod, reds_neon_baseline;

/* Return the kernels of the processor that this runs on. */
const reds_kernels *reds_kernels_here(void);

enum {
    REDS_BROADCASTING = 1 << 0 | 1 << 4 | 1 << 5 | 1 << 6
}; /* layouts whose kernels repeat rows or columns of a second input */

/* Return whether the windows of a layer skip positions. */
static inline bool reds_dilated(const reds_layer *layer)
{
    return (layer->dilation[0] | layer->dilation[1]) != 1; /* neither is 0 */
}

static inline bool reds_padded(const reds_layer *layer)
{
    uint32_t padding;
    memcpy(&padding, layer->padding, sizeof padding);
    return padding != 0;
}

/* A function that stays one: inlined into a loop, its own innermost loop would have fewer registers. */
#ifdef __GNUC__
#define REDS_APART __attribute__((noinline))
#else
#define REDS_APART
#endif

/* Return (a * b + 2^31) >> 32. */
static inline int32_t reds_high_product(int32_t a, int32_t b)
{
#if defined(__thumb__) && !defined(__thumb2__)
    /* These processors multiply 32 bits by 32 bits to 32 bits: so products of halves, which fit. */
    int32_t a_high = a >> 16, b_high = b >> 16, a_low = a & 0xffff, b_low = b & 0xffff;
    int32_t middle = a_high * b_low + (int32_t)((uint32_t)a_low * (uint32_t)b_low >> 16);
    int32_t low = (middle & 0xffff) + a_low * b_high;
    return a_high * b_high + (middle >> 16) + (((low >> 15) + 1) >> 1);
#else
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
#endif
}

/* Requantize a sum: clamp(zero + ((acc * multiplier + 2^31) >> 32), -127, 127). */
static inline int8_t reds_requantize(int32_t acc, int32_t multiplier, int32_t zero)
{
    int32_t y = zero + reds_high_product(acc, multiplier);
    return (int8_t)(y > 127 ? 127 : y < -127 ? -127 : y);
}

#endif
