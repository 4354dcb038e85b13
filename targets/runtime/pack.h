/* The pack as structs that are read in place: little-endian, each field aligned to its size.
 *
 * header | tensors | layers | plans, one a subnet | rooms and steps of each plan | tables | weights
 *
 * All offsets count from the start of the pack. Reserved fields and all padding are 0. The host defines the same structs in format.py of reds; a
 * test compares them field by field. */
#ifndef REDS_PACK_H
#define REDS_PACK_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "packs are read in place: little-endian machines only"
#endif

enum { REDS_PACK_VERSION = 2, REDS_PACK_CRC_FROM = 16 };
enum { REDS_ARENA_ALIGNMENT = 16 }; /* of every tensor and scratch; sizes are rounded up to it */
enum { REDS_BIAS_LIMIT = 1 << 30 }; /* |bias| is less, so that no sum of 2^16 products overflows int32 */

enum { REDS_LAYERS = 255, REDS_SUBNETS = 64 }; /* the most of a pack */
enum { REDS_INPUTS = 4 };                      /* the most tensors that a layer reads */
enum { REDS_LAYOUTS = 8 };                     /* numbers of layouts are below this */
enum { REDS_ACTIVATION_BYTES = 256 };          /* of an activation table, at a multiple of 4 */
enum { REDS_TENSOR_BYTES = 1 << 22 };          /* the most of a tensor of the full net */
enum { REDS_WINDOW_VALUES = 1 << 25 }; /* the most that the windows of a layer read, in the full net */
enum { REDS_VALUES = 1 << 27 };        /* the most of all tensors and windows together, in the full net */
enum { REDS_FACTOR_LIMIT = 1 << 15 };  /* |factor| is less; |factor| * taps of an average is at most 2^16 */
enum { REDS_FAN_IN = 1 << 16 };        /* the most weights of a unit */
enum { REDS_HEAD_UNITS = 1 << 15 };    /* the most of a head, so that a score fits int32 */
enum { REDS_KEYS = 1 << 14 }; /* the most positions of keys, so that their weights add up in 30 bits */

/* Flag of a header: features are standardized by the mean and deviation of the card before they are stored. */
enum { REDS_STANDARDIZED = 1 };

/* Kinds of layer, with the shape of their int8 weights in the canonical layout, and the entries of their tables. A
 * table has a row for each unit written where nothing else is said, and one row where it has factors. */
enum {
    REDS_DENSE = 1,        /* [out][in] */
    REDS_CONV = 2,         /* [out][kernel rows][kernel columns][in] */
    REDS_DEPTHWISE = 3,    /* [units][kernel rows][kernel columns] */
    REDS_AVERAGE_POOL = 4, /* none; biases: bias, factor, 0, 0 */
    REDS_MAX_POOL = 5,     /* none, and no table */
    REDS_ADD = 6,          /* none; biases: bias, factor, factor, 0 */
    REDS_FLATTEN = 7,      /* none, and no table; the values of a unit stay together (CHW order) */
    REDS_GROUPED = 8, /* [out][kernel rows][kernel columns][in / groups]: each block of units reads its own */
    REDS_TRANSPOSED = 9,  /* [out][kernel rows][kernel columns][in]: a convolution of the input spread out */
    REDS_UPSAMPLE = 10,   /* none, and no table; repeats each position stride times */
    REDS_MULTIPLY = 11,   /* none; biases: 0, 0, 0, 0 */
    REDS_CONCAT = 12,     /* none; a row for each input */
    REDS_PRELU = 13,      /* none; instead of biases the multipliers of values below zero */
    REDS_LAYER_NORM = 14, /* none; after the last unit's row one with epsilon and 0 */
    REDS_ATTENTION = 15,  /* none; biases: factor of scores, 0, 0, 0; groups are heads */
    REDS_EMBED = 16,      /* [positions out][units]; biases: bias, factor, factor of weights, 0 */
    REDS_TRANSPOSE = 17,  /* none, and no table; positions become units */
    REDS_RESHAPE = 18,    /* none, and no table */
    REDS_KINDS
};

typedef struct reds_header {
    char magic[4];
    uint32_t version;
    uint32_t size;
    uint32_t crc; /* CRC-32 of all bytes from REDS_PACK_CRC_FROM */
    uint16_t tensors;
    uint16_t layers;
    uint16_t subnets;
    uint16_t flags; /* REDS_STANDARDIZED or 0 */
    uint32_t tensors_at;
    uint32_t layers_at;
    uint32_t plans_at;
    uint32_t tables_at; /* the end of the last steps */
    float input_scale;  /* real = (q - zero) * scale */
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
    uint8_t relu;                 /* only informs: the tables include it */
    uint8_t inputs;               /* tensors read */
    uint8_t layout;               /* of its weights, tables and plain rows */
    uint16_t input[REDS_INPUTS];  /* 0 from `inputs` on */
    uint8_t kernel[2], stride[2]; /* rows, columns */
    uint8_t padding[4];  /* top, left, bottom, right, filled with the input's zero point; an embedding
                                     has its positions in front as the first */
    uint8_t dilation[2]; /* rows, columns between the inputs of a window */
    uint16_t groups;     /* blocks of a grouped convolution, heads of an attention; otherwise 1 */
    uint32_t weights_at;
    uint32_t weights_bytes;
} reds_layer;

/* One subnet. */
typedef struct reds_plan {
    char label[8];
    uint32_t macs;
    uint32_t arena_bytes;
    float output_scale;
    uint32_t rooms_at; /* one room for each tensor */
    uint32_t steps_at; /* one step for each layer that the subnet runs */
    uint32_t steps;
} reds_plan;

/* Where a tensor is in one subnet. A tensor that the subnet does not write either holds no units, or stands for an
 * earlier one, whose place it names. */
typedef struct reds_room {
    uint32_t at;    /* from the start of the arena */
    uint16_t units; /* 0: the subnet has no such tensor */
    uint16_t holds; /* the tensor that lies there */
    int8_t zero;
    uint8_t reserved[3];
} reds_room;

/* One layer that a subnet runs. */
typedef struct reds_step {
    uint16_t layer;
    int8_t zero; /* of the output before its activation table; without one, that of the output's room */
    uint8_t reserved;
    uint32_t scratch_at; /* from the start of the arena */
    uint32_t table_at;   /* int32 biases, then int32 multipliers, padded to four each; or the layout's own */
    uint32_t plain_at;   /* 0, or a byte a group of four rows: not 0 if 256 * sum may overflow int32 */
    uint32_t activation_at; /* 0, or a table of int8: output y becomes table[y + 128] */
} reds_step;

static inline const void *reds_at(const void *pack, uint32_t offset)
{
    return (const uint8_t *)pack + offset;
}

static inline const reds_room *reds_rooms(const void *pack, const reds_plan *plan)
{
    return (const reds_room *)reds_at(pack, plan->rooms_at);
}

static inline const reds_step *reds_steps(const void *pack, const reds_plan *plan)
{
    return (const reds_step *)reds_at(pack, plan->steps_at);
}

static inline uint32_t reds_positions(const reds_tensor *tensor)
{
    return (uint32_t)tensor->height * tensor->width;
}

/* Return whether a kind is one of a set of 1 << kind. */
static inline bool reds_is_one_of(uint32_t kind, uint32_t kinds)
{
    return (kinds >> kind & 1) != 0;
}

/* Return whether a kind has weights and a row of 16-bit numbers for each unit that it writes. */
static inline bool reds_weighted(uint32_t kind)
{
    return reds_is_one_of(kind, 1 << REDS_DENSE | 1 << REDS_CONV | 1 << REDS_DEPTHWISE | 1 << REDS_GROUPED |
                                    1 << REDS_TRANSPOSED);
}

/* Return whether a kind copies bytes: it has no table and keeps scale and zero point. */
static inline bool reds_copies(uint32_t kind)
{
    return reds_is_one_of(kind, 1 << REDS_MAX_POOL | 1 << REDS_FLATTEN | 1 << REDS_UPSAMPLE |
                                    1 << REDS_TRANSPOSE | 1 << REDS_RESHAPE);
}

/* Return the entries of a step's biases, and of its multipliers: a multiple of four. */
static inline uint32_t reds_table_rows(uint32_t kind, uint32_t units_out)
{
    if (reds_copies(kind)) {
        return 0;
    }
    if (reds_weighted(kind) || kind == REDS_PRELU) {
        return (units_out + 3) / 4 * 4;
    }
    return kind == REDS_LAYER_NORM ? (units_out + 4) / 4 * 4 : 4;
}

#ifndef __cplusplus
_Static_assert(sizeof(reds_header) == 80 && sizeof(reds_tensor) == 8 && sizeof(reds_layer) == 32,
               "pack layout");
_Static_assert(sizeof(reds_plan) == 32 && sizeof(reds_room) == 12 && sizeof(reds_step) == 20, "pack layout");
#endif

#endif
