/* Kernels for aarch64 and their layout, neon.
 *
 * Weights are int8 in blocks of four rows by four inputs, the four inputs of a row side by side:
 *
 *     dense, conv  [groups of 4 rows][ceil(taps * in / 4)][4 rows][4 inputs]   a dense layer has one tap
 *     depthwise    [taps][units, padded to 8]
 *
 * A subnet reads the first blocks of the first groups; in a convolution whose full net's `in` is a
 * multiple of four, the first blocks of every tap. Inputs outside the subnet are 0 where a block holds
 * weights for them. Tables are canonical.
 *
 * Two variants of the inner loop, chosen at run time: SDOT if the processor has it, else SMULL and SMLAL
 * (ARMv8.0). The latter adds two products in a halfword before SADALP widens it: 2 * 127^2 = 32,258 fits.
 * Sums of words cannot overflow int32 (pack.h, REDS_BIAS_LIMIT).
 *
 * Requantization: SQRDMULH(acc, m / 2) equals (acc * m + 2^31) >> 32, since m is even and above its lower
 * limit. The additions and narrowings that follow saturate, which the clamp would do anyway; a maximum
 * lifts -128 to -127. */
#ifndef REDS_NEON_H
#define REDS_NEON_H

#include "../portable/portable.h"

#ifdef __aarch64__
#include <arm_neon.h>
#include <string.h>

#define REDS_ALWAYS_INLINE static inline __attribute__((always_inline))

enum { REDS_NEON_POSITIONS = 4, REDS_NEON_GROUPS = 4 }; /* of a tile, at most */

/* Rows of weights times the inputs of one position or of four. */
typedef struct {
    const int8_t *weights;
    const int8_t *x[REDS_NEON_POSITIONS]; /* readable up to a multiple of 16 bytes */
    int8_t *out[REDS_NEON_POSITIONS];
    const int32_t *bias;
    const int32_t *multiplier;
    size_t stride;  /* bytes from one group of four rows to the next */
    size_t gap;     /* bytes that a subnet skips after each run */
    uint32_t runs;  /* of contiguous blocks; the inputs of all runs are contiguous */
    uint32_t quads; /* of inputs in a run, and so blocks; at least one */
    uint32_t rows;
    uint32_t positions; /* 1 or REDS_NEON_POSITIONS */
    int32_t zero;
} reds_neon_rows;

typedef void (*reds_neon_inner)(const reds_neon_rows *rows);

void reds_neon_rows_baseline(const reds_neon_rows *rows);
void reds_neon_rows_dotprod(const reds_neon_rows *rows);

/* The kernels of the family; the first two take the inner loop of a variant. */
void reds_neon_dense(const reds_op *op, reds_neon_inner inner);
void reds_neon_conv(const reds_op *op, reds_neon_inner inner);
void reds_neon_depthwise(const reds_op *op);
void reds_neon_average_pool(const reds_op *op);
void reds_neon_add(const reds_op *op);

/* Return the bytes of a position in a convolution's window: the subnet's units padded to a multiple of
 * four, or the full net's units if those are no multiple of four. */
static inline uint32_t reds_neon_pitch(uint32_t full, uint32_t live)
{
    return full % 4 != 0 ? full : (live + 3) / 4 * 4;
}

/* Return the bytes of a window in scratch, which 16-byte loads read from any quad. */
static inline uint32_t reds_neon_window_bytes(uint32_t taps, uint32_t pitch)
{
    return (taps * pitch + 12 + 15) / 16 * 16;
}

/* Return the bytes of a padded input line in scratch, which 8-byte loads read from any unit. */
static inline uint64_t reds_neon_line_bytes(const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    return ((uint64_t)from->width + layer->padding[1] + layer->padding[3]) * units + 8;
}

/* Load eight entries of a table, or four and 0 if no more are used: a table is padded to four. */
REDS_ALWAYS_INLINE int32x4x2_t reds_neon_table(const int32_t *entries, uint32_t live)
{
    return (int32x4x2_t){{vld1q_s32(entries), live > 4 ? vld1q_s32(entries + 4) : vdupq_n_s32(0)}};
}

/* Halve multipliers, as SQRDMULH needs. */
REDS_ALWAYS_INLINE int32x4x2_t reds_neon_half(int32x4x2_t multiplier)
{
    return (int32x4x2_t){{vshrq_n_s32(multiplier.val[0], 1), vshrq_n_s32(multiplier.val[1], 1)}};
}

/* Requantize eight sums as reds_requantize does. `half` holds m / 2. */
REDS_ALWAYS_INLINE int8x8_t reds_neon_requantize(int32x4x2_t acc, int32x4x2_t half, int16x8_t zero)
{
    int16x4_t low = vqmovn_s32(vqrdmulhq_s32(acc.val[0], half.val[0]));
    int16x8_t y = vqmovn_high_s32(low, vqrdmulhq_s32(acc.val[1], half.val[1]));
    return vmax_s8(vqmovn_s16(vqaddq_s16(y, zero)), vdup_n_s8(-127));
}

/* Store the first `live` of eight values; fewer than eight. */
static inline void reds_neon_store_some(int8_t *out, int8x8_t y, uint32_t live)
{
    if (live >= 4) {
        memcpy(out, &y, 4);
        y = vext_s8(y, y, 4);
        out += 4;
    }
    for (uint32_t i = 0; i < live % 4; i++, y = vext_s8(y, y, 1)) {
        out[i] = vget_lane_s8(y, 0);
    }
}

/* Requantize and store the sums of a tile, whose rows start at `first`, two groups of four at a time. */
REDS_ALWAYS_INLINE void reds_neon_finish(const reds_neon_rows *rows, uint32_t first, uint32_t positions,
                                         uint32_t groups,
                                         int32x4_t acc[REDS_NEON_POSITIONS][REDS_NEON_GROUPS])
{
    int16x8_t zero = vdupq_n_s16((int16_t)rows->zero);
    for (uint32_t g = 0; g < groups; g += 2) {
        uint32_t row = first + 4 * g, live = rows->rows - row, second = g + 1 < groups ? g + 1 : g;
        int32x4x2_t half = reds_neon_half(reds_neon_table(rows->multiplier + row, groups > 1 ? 8 : 4));
        int8x8_t y[REDS_NEON_POSITIONS];
        for (uint32_t s = 0; s < positions; s++) {
            y[s] = reds_neon_requantize((int32x4x2_t){{acc[s][g], acc[s][second]}}, half, zero);
        }
        for (uint32_t s = 0; s < positions && live >= 8; s++) {
            vst1_s8(rows->out[s] + row, y[s]);
        }
        for (uint32_t s = 0; s < positions && live < 8; s++) {
            reds_neon_store_some(rows->out[s] + row, y[s], live);
        }
    }
}

/* Compute all rows tile by tile. `tile` computes some groups of rows for some positions, from a row on. */
typedef void (*reds_neon_tile)(const reds_neon_rows *rows, uint32_t first, uint32_t positions,
                               uint32_t groups);

REDS_ALWAYS_INLINE void reds_neon_tiles(const reds_neon_rows *rows, reds_neon_tile tile)
{
    const reds_neon_rows own = *rows; /* a copy, which no output can overlap */
    uint32_t row = 0, end = own.rows;
    if (own.positions == 1) {
        for (; row + 12 < end; row += 16) {
            tile(&own, row, 1, 4);
        }
        for (; row < end; row += 4) {
            tile(&own, row, 1, 1);
        }
        return;
    }
    for (; row + 4 < end; row += 8) {
        tile(&own, row, REDS_NEON_POSITIONS, 2);
    }
    if (row < end) {
        tile(&own, row, REDS_NEON_POSITIONS, 1);
    }
}

#endif
#endif
