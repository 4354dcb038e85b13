/* Layout neon on aarch64: what the files of this family share.
 *
 * Weights are int8 in blocks of four rows by four inputs, a row's four inputs side by side:
 *
 *     dense, conv  [groups of 4 rows][ceil(taps * in / 4)][4 rows][4 inputs]   a dense layer has one tap
 *     depthwise    [taps][units, padded to 8]
 *
 * A subnet reads the first blocks of the first groups; of a convolution whose full `in` is a multiple of four,
 * the first blocks of every tap. Inputs that are not live stand as 0 beside the weights of wider subnets.
 * Tables are the model's own.
 *
 * Two variants of the inner loop, chosen at run time: SDOT where the processor has it; else SMULL and SMLAL,
 * which is ARMv8.0. There a halfword holds two products before SADALP widens it: 2 * 127^2 = 32,258 fits.
 * Sums of words cannot leave int32 (pack.h, REDS_BIAS_LIMIT).
 *
 * Rounding: SQRDMULH(acc, m / 2) is (acc * m + 2^31) >> 32, as m is even and never at a limit. Narrowing to 16
 * bits, the zero point and narrowing to 8 saturate, which the clamp does anyway; -128 is lifted to -127. */
#ifndef REDS_NEON_H
#define REDS_NEON_H

#ifdef __aarch64__
#include <arm_neon.h>
#include <string.h>

#include "../portable/portable.h"

#define REDS_ALWAYS_INLINE static inline __attribute__((always_inline))

enum { REDS_NEON_SITES = 4, REDS_NEON_GROUPS = 4 }; /* at most, in a tile */

/* Rows of weights against the inputs of one site, or of four. */
typedef struct {
    const int8_t *weights;
    const int8_t *x[REDS_NEON_SITES]; /* readable up to a multiple of 16 bytes */
    int8_t *out[REDS_NEON_SITES];
    const int32_t *bias;
    const int32_t *multiplier;
    size_t stride;  /* bytes from one group of four rows to the next */
    size_t gap;     /* bytes that a subnet skips behind each run */
    uint32_t runs;  /* of blocks that lie one behind the other; the inputs of all runs do */
    uint32_t quads; /* of inputs, and so blocks, in a run; at least one */
    uint32_t rows;
    uint32_t sites; /* 1 or REDS_NEON_SITES */
    int32_t zero;
} reds_neon_rows;

typedef void (*reds_neon_inner)(const reds_neon_rows *rows);

void reds_neon_rows_baseline(const reds_neon_rows *rows);
void reds_neon_rows_dotprod(const reds_neon_rows *rows);

/* The kernels of the family, the first two by an inner loop. */
void reds_neon_dense(const reds_op *op, reds_neon_inner inner);
void reds_neon_conv(const reds_op *op, reds_neon_inner inner);
void reds_neon_depthwise(const reds_op *op);
void reds_neon_average_pool(const reds_op *op);
void reds_neon_add(const reds_op *op);

/* Bytes of a site in a convolution's window: its live units padded to four; all of the full net's where those
 * are no multiple of four. */
static inline uint32_t reds_neon_pitch(uint32_t full, uint32_t live)
{
    return full % 4 != 0 ? full : (live + 3) / 4 * 4;
}

/* Of a window in scratch: it is read by 16 bytes from any quad on. */
static inline uint32_t reds_neon_window_bytes(uint32_t taps, uint32_t pitch)
{
    return (taps * pitch + 12 + 15) / 16 * 16;
}

/* Of a depthwise layer's line in scratch, padding in it: it is read by 8 bytes from any unit on. */
static inline uint64_t reds_neon_line_bytes(const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    return ((uint64_t)from->width + layer->padding[1] + layer->padding[3]) * units + 8;
}

/* Eight entries of a table, or four and 0 where no more are live: a table is padded to four. */
REDS_ALWAYS_INLINE int32x4x2_t reds_neon_table(const int32_t *entries, uint32_t live)
{
    return (int32x4x2_t){{vld1q_s32(entries), live > 4 ? vld1q_s32(entries + 4) : vdupq_n_s32(0)}};
}

/* m -> m / 2. */
REDS_ALWAYS_INLINE int32x4x2_t reds_neon_half(int32x4x2_t multiplier)
{
    return (int32x4x2_t){{vshrq_n_s32(multiplier.val[0], 1), vshrq_n_s32(multiplier.val[1], 1)}};
}

/* The project's rounding, of eight sums; `half` holds m / 2. */
REDS_ALWAYS_INLINE int8x8_t reds_neon_requantise(int32x4x2_t acc, int32x4x2_t half, int16x8_t zero)
{
    int16x4_t low = vqmovn_s32(vqrdmulhq_s32(acc.val[0], half.val[0]));
    int16x8_t y = vqmovn_high_s32(low, vqrdmulhq_s32(acc.val[1], half.val[1]));
    return vmax_s8(vqmovn_s16(vqaddq_s16(y, zero)), vdup_n_s8(-127));
}

/* The first `live` of eight values; fewer than eight. */
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

/* What a tile of rows from `first` on has summed up, to bytes: by two groups of four, or the one there is. */
REDS_ALWAYS_INLINE void reds_neon_finish(const reds_neon_rows *rows, uint32_t first, uint32_t sites,
                                         uint32_t groups, int32x4_t acc[REDS_NEON_SITES][REDS_NEON_GROUPS])
{
    int16x8_t zero = vdupq_n_s16((int16_t)rows->zero);
    for (uint32_t g = 0; g < groups; g += 2) {
        uint32_t row = first + 4 * g, live = rows->rows - row, second = g + 1 < groups ? g + 1 : g;
        int32x4x2_t half = reds_neon_half(reds_neon_table(rows->multiplier + row, groups > 1 ? 8 : 4));
        int8x8_t y[REDS_NEON_SITES];
        for (uint32_t s = 0; s < sites; s++) {
            y[s] = reds_neon_requantise((int32x4x2_t){{acc[s][g], acc[s][second]}}, half, zero);
        }
        for (uint32_t s = 0; s < sites && live >= 8; s++) {
            vst1_s8(rows->out[s] + row, y[s]);
        }
        for (uint32_t s = 0; s < sites && live < 8; s++) {
            reds_neon_store_some(rows->out[s] + row, y[s], live);
        }
    }
}

/* All rows by tiles: `tile` does its last two arguments' sites and groups from a row on. */
typedef void (*reds_neon_tile)(const reds_neon_rows *rows, uint32_t first, uint32_t sites, uint32_t groups);

REDS_ALWAYS_INLINE void reds_neon_tiles(const reds_neon_rows *rows, reds_neon_tile tile)
{
    const reds_neon_rows own = *rows; /* which no output can overlap */
    uint32_t row = 0, end = own.rows;
    if (own.sites == 1) {
        for (; row + 12 < end; row += 16) {
            tile(&own, row, 1, 4);
        }
        for (; row < end; row += 4) {
            tile(&own, row, 1, 1);
        }
        return;
    }
    for (; row + 4 < end; row += 8) {
        tile(&own, row, REDS_NEON_SITES, 2);
    }
    if (row < end) {
        tile(&own, row, REDS_NEON_SITES, 1);
    }
}

#endif
#endif
