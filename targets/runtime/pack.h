/* The pack's bytes as structs, read in place: little-endian, each field naturally aligned.
 *
 * header | tensors | layers | plans, one a subnet, each with a step for each layer | tables and weights
 *
 * All offsets count from the start of the pack. The host's side is reds/pack.py; a test holds both equal.
 */
#ifndef REDS_PACK_H
#define REDS_PACK_H

#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "packs are read in place: little-endian machines only"
#endif

enum { REDS_PACK_VERSION = 1, REDS_PACK_CRC_FROM = 16 };
enum { REDS_ARENA_ALIGNMENT = 16 }; /* of every tensor and scratch; each takes a multiple of it */
enum { REDS_BIAS_LIMIT = 1 << 30 }; /* |bias| is below: with 16-bit unit counts no sum leaves int32 */

enum { REDS_FACTOR_LIMIT = 1 << 15 }; /* |factor| is below, and times an average's taps at most 2^16 */

/* Kinds of layer. Those that a family of kernels lacks are refused. Weights are int8, by row: */
enum {
    REDS_DENSE = 1,        /* [out][in] */
    REDS_CONV = 2,         /* [out][kernel rows][kernel columns][in] */
    REDS_DEPTHWISE = 3,    /* [units][kernel rows][kernel columns] */
    REDS_AVERAGE_POOL = 4, /* none; one row in the table, whose biases are: bias, factor, 0, 0 */
    REDS_MAX_POOL = 5,     /* none, no table: bytes move */
    REDS_ADD = 6,          /* none; one row in the table, whose biases are: bias, factor, factor, 0 */
    REDS_FLATTEN = 7,      /* none, no table: sites become units, unit by unit */
    REDS_KINDS
};

typedef struct reds_header {
    char magic[4];
    uint16_t version;
    uint16_t layout;
    uint32_t size;
    uint32_t crc; /* CRC-32 of all bytes from REDS_PACK_CRC_FROM */
    uint16_t tensors;
    uint16_t layers;
    uint16_t subnets;
    uint16_t reserved;
    uint32_t tensors_at;
    uint32_t layers_at;
    uint32_t plans_at;
    uint32_t plan_bytes;
    float input_scale; /* real = (q - zero) * scale */
    int32_t input_zero;
    char name[32];
} reds_header;

/* A tensor of the full net, NHWC. Tensor 0 is the input; layer i writes tensor i + 1. */
typedef struct reds_tensor {
    uint16_t height, width, units;
    uint16_t reserved;
} reds_tensor;

typedef struct reds_layer {
    uint8_t kind;
    uint8_t relu; /* already in the tables: for the reader of a pack */
    uint8_t inputs;
    uint8_t reserved0;
    uint16_t input[2];
    uint16_t output;
    uint16_t reserved1;
    uint8_t kernel[2], stride[2]; /* rows, columns */
    uint8_t padding[4];           /* top, left, bottom, right; it stands for the input's zero point */
    uint32_t weights_at;
    uint32_t weights_bytes;
} reds_layer;

/* What one subnet does in one layer. Places are offsets into the arena. */
typedef struct reds_step {
    uint16_t units_in;
    uint16_t units_out;
    uint32_t input_at;
    uint32_t input2_at; /* 0 where there is one input */
    uint32_t output_at;
    uint32_t scratch_at;
    uint32_t
        table_at; /* int32 biases, then multipliers, each padded to a multiple of four; or the layout's own */
    uint32_t plain_at; /* 0, or a byte for each four rows: not 0 where the sum may pass int32 in radix 256 */
    int8_t zero;
    int8_t zero_in;
    uint16_t reserved;
} reds_step;

typedef struct reds_plan {
    char label[8];
    uint32_t macs;
    uint32_t arena_bytes;
    float output_scale;
    uint32_t reserved;
    reds_step steps[];
} reds_plan;

/* Rows of a step's table, padded to four: entries of its biases, and of its multipliers. */
static inline uint32_t reds_table_rows(uint32_t kind, uint32_t units_out)
{
    switch (kind) {
    case REDS_DENSE:
    case REDS_CONV:
    case REDS_DEPTHWISE:
        return (units_out + 3) / 4 * 4;
    case REDS_AVERAGE_POOL:
    case REDS_ADD:
        return 4;
    default:
        return 0;
    }
}

#ifndef __cplusplus
_Static_assert(sizeof(reds_header) == 80 && sizeof(reds_tensor) == 8 && sizeof(reds_layer) == 28,
               "pack layout");
_Static_assert(sizeof(reds_plan) == 24 && sizeof(reds_step) == 32, "pack layout");
#endif

#endif
