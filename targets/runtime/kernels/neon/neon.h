/* Kernels for aarch64 and their layout, neon.
 *
 * Weights are int8 in blocks of four rows by four inputs, the four inputs of a row side by side. Sixteen rows
 * are a panel, whose blocks of the same inputs are neighbors; the last panel has as many groups of four rows
 * as are left:
 *
 *     dense, conv, transposed  [panel][quad of inputs][groups of the panel, at most 4][4 rows][4 inputs]
 *     depthwise                [taps][units, padded to 8]
 *
 * The quads of a row run over the taps of its window, `in` padded to four at each; if `in` is less than four
 * and the taps are not dilated, over [kernel row][kernel columns * in, padded to four]. A dense layer has one
 * tap. A grouped convolution has such panels for each group, which reads and writes whole quads. A subnet reads
 * the first groups of the first panels, and the first quads of every tap. Inputs outside the subnet are 0 where a
 * block holds weights for them. Tables are canonical.
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

/* Rows of weights times windows of the input. A window is `lines` of `runs` of contiguous quads. */
typedef struct {
    const int8_t *weights;
    const int8_t *x; /* the first window */
    int8_t *out;
    const int32_t *bias, *multiplier;
    uint32_t rows;             /* that the subnet has */
    size_t apart;              /* bytes from one output position to the next */
    uint32_t groups;           /* of four rows, in the full net */
    size_t blocks;             /* quads of a row, in the full net */
    uint32_t lines, runs;      /* of the window */
    uint32_t quads;            /* of a run; at least one */
    size_t gap;                /* quads that the subnet skips after each run */
    size_t run, line;          /* bytes of x from a run or a line of the window to the next */
    uint32_t positions, width; /* of the output, and of one row of it */
    size_t step, row;          /* bytes of x from a position or a row of the output to the next */
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
void reds_neon_max_pool(const reds_op *op);
void reds_neon_flatten(const reds_op *op);
void reds_neon_add(const reds_op *op);
void reds_neon_multiply(const reds_op *op);
void reds_neon_concat(const reds_op *op);
void reds_neon_prelu(const reds_op *op);
void reds_neon_embed(const reds_op *op);
void reds_neon_attention(const reds_op *op);

/* Return whether the columns of a kernel row are stored without padding between them. */
static inline bool reds_neon_tight(const reds_layer *layer, uint32_t full)
{
    return full < 4 && layer->dilation[1] == 1;
}

/* Return the quads that a row of weights has in the full net. */
static inline uint32_t reds_neon_quads(const reds_layer *layer, uint32_t full)
{
    uint32_t rows = layer->kernel[0], columns = layer->kernel[1];
    return reds_neon_tight(layer, full) ? rows * ((columns * full + 3) / 4)
                                        : rows * columns * ((full + 3) / 4);
}

/* Return the bytes of a position in the input of a convolution, as its kernel reads it. */
static inline uint32_t reds_neon_pitch(const reds_layer *layer, uint32_t full, uint32_t live)
{
    return reds_neon_tight(layer, full) ? full : (live + 3) / 4 * 4;
}

/* Return the rows (side 0) or columns (1) of a convolution's input with its padding. A transposed convolution is one
 * of stride 1, whose input is spread out: stride - 1 positions lie between those of the tensor. */
static inline uint64_t reds_neon_side(const reds_layer *layer, const reds_tensor *from, uint32_t side)
{
    uint64_t size = side == 0 ? from->height : from->width;
    uint32_t padding = (uint32_t)layer->padding[side] + layer->padding[side + 2];
    return layer->kind == REDS_TRANSPOSED
               ? (size - 1) * layer->stride[side] + 1 + 2 * (layer->kernel[side] - 1u) - padding
               : size + padding;
}

/* Return the bytes of the copy of the input that a convolution makes, with padding and all positions at their
 * pitch; 0 if it reads the input in place. Quads may reach past the last position. */
static inline uint64_t reds_neon_copy_bytes(const reds_layer *layer, const reds_tensor *from, uint32_t live)
{
    uint32_t pitch = reds_neon_pitch(layer, from->units, live);
    bool whole = !reds_neon_tight(layer, from->units) || layer->kernel[1] * pitch % 4 == 0;
    if (layer->kind != REDS_TRANSPOSED && !reds_padded(layer) && pitch == live && whole) {
        return 0;
    }
    return reds_neon_side(layer, from, 0) * reds_neon_side(layer, from, 1) * pitch + 4;
}

/* Values that a depthwise kernel computes at once. Units that divide them share a vector with those of the
 * positions that follow, if the windows are side by side. */
enum { REDS_NEON_LANES = 16 };

static inline bool reds_neon_shared(const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    int32_t width =
        from->width + layer->padding[1] + layer->padding[3] - layer->dilation[1] * (layer->kernel[1] - 1);
    return units < REDS_NEON_LANES && REDS_NEON_LANES % units == 0 && layer->stride[1] == 1 &&
           width * (int32_t)units >= REDS_NEON_LANES;
}

/* Return the bytes of a depthwise layer's scratch: its padded input, then for shared vectors its weights, once
 * for each position. Loads of eight bytes may reach past the input. */
static inline uint64_t reds_neon_depthwise_bytes(const reds_layer *layer, const reds_tensor *from,
                                                 uint32_t units)
{
    uint64_t height = (uint64_t)from->height + layer->padding[0] + layer->padding[2];
    uint64_t width = (uint64_t)from->width + layer->padding[1] + layer->padding[3];
    uint64_t input = reds_padded(layer) || units < 8 ? (height * width * units + 8 + 15) / 16 * 16 : 0;
    uint64_t taps = (uint64_t)layer->kernel[0] * layer->kernel[1];
    return input + (reds_neon_shared(layer, from, units) ? taps * REDS_NEON_LANES : 0);
}

/* Requantize eight sums as reds_requantize does. `half` holds m / 2. */
REDS_ALWAYS_INLINE int8x8_t reds_neon_requantize(int32x4x2_t acc, int32x4x2_t half, int16x8_t zero)
{
    int16x4_t low = vqmovn_s32(vqrdmulhq_s32(acc.val[0], half.val[0]));
    int16x8_t y = vqmovn_high_s32(low, vqrdmulhq_s32(acc.val[1], half.val[1]));
    return vmax_s8(vqmovn_s16(vqaddq_s16(y, zero)), vdup_n_s8(-127));
}

/* Requantize sixteen sums. */
REDS_ALWAYS_INLINE int8x16_t reds_neon_requantize_all(const int32x4_t acc[4], const int32x4_t half[4],
                                                      int16x8_t zero)
{
    int16x8_t low =
        vqmovn_high_s32(vqmovn_s32(vqrdmulhq_s32(acc[0], half[0])), vqrdmulhq_s32(acc[1], half[1]));
    int16x8_t high =
        vqmovn_high_s32(vqmovn_s32(vqrdmulhq_s32(acc[2], half[2])), vqrdmulhq_s32(acc[3], half[3]));
    int8x16_t y = vqmovn_high_s16(vqmovn_s16(vqaddq_s16(low, zero)), vqaddq_s16(high, zero));
    return vmaxq_s8(y, vdupq_n_s8(-127));
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

#endif
#endif
