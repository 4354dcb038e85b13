/* Kernels for the Cortex-M4 and their layout, radix256: the arithmetic that C and assembler share. The same code runs
 * on other processors with these multiplies, as the Cortex-M7 and M33.
 *
 * Dense and convolution. A word of weights holds four inputs of one row as two halfwords,
 * (256*w1 + w0, 256*w3 + w2). Inputs are expanded to two words, (x1, x3) and (256*x0 - x1, 256*x2 - x3). Then
 *
 *     SMLAD(weights, first) + SMLAD(low bytes of weights, second) = 256 * sum(w*x)      modulo 2^32,
 *
 * so that four products take two dual multiplies and one unpacking instruction. The packer proves that the
 * final sum fits int32, or marks a group of four rows as plain; reds_m4_plain_sum computes those. Order of
 * the words:
 *
 *     [groups of 4 rows][ceil(in / 4)][taps][4 rows]  by four units, so that a subnet reads a prefix of each group;
 *     [groups of 4 rows][ceil(taps * in / 4)][4 rows] "flat": a convolution of the full net's one to three units
 *
 * depthwise.h explains depthwise layers.
 *
 * Files. Those in C choose a kernel, bring inputs to it and hold what is rare; those in assembler (*.S) have the loops.
 *
 *     family.c                       sizes and checks of the layout; the kernel of each kind of layer
 *     dense.c, rows.S                dense layers; rows.S also runs single positions of a convolution
 *     conv*.c, windows.S, tight.S    convolutions (conv.h): their choice, their lines and windows
 *     pairs.S, stationary.S, chunks.S    their kernels
 *     copy.S                         copies, also of weights from flash, and fills memory
 *     depthwise*.c, depthwise*.S     depthwise layers (depthwise.h)
 *     *_pool.c, pool_words.S         pools (pool.h)
 *     values.c, values_words.S, move.c    layers of single values, and those that move values (values.h)
 *     units.c, units_words.S         layers with numbers for each unit (units.h)
 *     attention.c                    attention
 *     *macros.h, *offsets.h          what assembler files share; offsets of structs, which the C files check
 *
 * The table of a layer with weights is a header and a word a row, with the multiplier above the bias. The
 * sum starts at the shifted lower half. SMLAWT multiplies it by the upper half and adds zero point and
 * half a step, then a shift ends the requantization. This equals reds_requantize: a floor of a floor is
 * one floor.
 *
 * SSAT, then QSUB8 and QADD8, clamp four outputs to [-127, 127]. A dense layer writes whole words, up to 3 bytes past
 * its outputs, which the 16-byte padding of its tensor holds. conv.h explains convolutions and their other ending. */
#ifndef REDS_CORTEX_M4_H
#define REDS_CORTEX_M4_H

#include <stddef.h>
#include <stdint.h>

#include "../portable/portable.h"

/* The table of a layer with weights. For dense layers and convolutions it holds 256 * bias and
 * multiplier / 256. */
typedef struct {
    uint8_t bias_shift; /* bias = int16 << bias_shift */
    uint8_t shift;      /* y = zero + ((acc * multiplier >> 16) + half) >> shift */
    uint16_t reserved;
    uint32_t rows[]; /* bias in the lower half, multiplier in the upper one */
} reds_m4_table;

/* Rows of weights times the inputs of one position. */
typedef struct {
    const uint32_t *weights;
    const uint32_t *x;
    uint32_t quads;        /* words of four inputs; at least one */
    const uint32_t *table; /* its words */
    uint32_t bias_right;   /* 16 - bias_shift */
    uint32_t skip;         /* bytes from the last weight read to the next group's first */
    int32_t rounding;      /* reds_m4_rounding */
    uint32_t shift;
    int8_t *out;
    uint32_t groups; /* of four rows; at least one */
} reds_m4_rows;

/* Advances every pointer but x past the rows done. */
void reds_m4_dense(reds_m4_rows *rows);

/* Expand `quads` words of four inputs to two words each, at every 8 or 16 bytes of x. */
void reds_m4_expand_8(const int8_t *in, uint32_t *x, uint32_t quads);
void reds_m4_expand_16(const int8_t *in, uint32_t *x, uint32_t quads);

/* Return the bytes of a word that belong to a position of so many units, if it is its last one. */
static inline uint32_t reds_m4_lanes(uint32_t units)
{
    return units % 4 == 0 ? 0xffffffff : (1u << (8 * (units % 4))) - 1;
}

/* memcpy by words, whatever the alignment: small C libraries copy byte by byte. */
void reds_m4_copy(int8_t *to, const int8_t *from, uint32_t bytes);
void reds_m4_copy_words(uint32_t *to, const uint32_t *from, uint32_t count); /* a multiple of 4 */

/* Return what SMLAWT adds: zero point and half a step, in units of 2^-shift. */
static inline int32_t reds_m4_rounding(const reds_m4_table *table, int32_t zero)
{
    return zero * (1 << table->shift) + (1 << (table->shift - 1));
}

/* Return the rows that a layer computes at one position; `out` is that of the first one. */
static inline reds_m4_rows reds_m4_rows_of(const reds_op *op, const uint32_t *x, uint32_t quads,
                                           uint32_t full_quads)
{
    const reds_m4_table *table = op->table;
    return (reds_m4_rows){
        .weights = op->weights,
        .x = x,
        .table = table->rows,
        .bias_right = 16u - table->bias_shift,
        .quads = quads,
        .skip = 16 * (full_quads - quads),
        .rounding = reds_m4_rounding(table, op->zero),
        .shift = table->shift,
        .out = op->out,
        .groups = (op->units_out + 3) / 4,
    };
}

/* Return the output of a plain row from its sum, without the factor 256, and its word of the table. */
static inline int8_t reds_m4_plain(const reds_m4_table *table, uint32_t row, int32_t sum, int32_t zero)
{
    int32_t bias = (int16_t)table->rows[row] * (1 << (table->bias_shift - 8));
    int32_t multiplier = (int32_t)(table->rows[row] & 0xffff0000) >> (table->shift - 8);
    return reds_requantize(bias + sum, multiplier, zero);
}

/* The kernels of the family, one a kind of layer. */
void reds_m4_run_dense(const reds_op *op);
void reds_m4_run_conv(const reds_op *op);
void reds_m4_run_attention(const reds_op *op);

#ifdef __ARM_FEATURE_DSP

static inline uint32_t reds_m4_sxtb16(uint32_t x)
{
    uint32_t y;
    __asm("sxtb16 %0, %1" : "=r"(y) : "r"(x));
    return y;
}

static inline uint32_t reds_m4_sxtb16_high(uint32_t x)
{
    uint32_t y;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x));
    return y;
}

static inline uint32_t reds_m4_sadd16(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm("sadd16 %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

static inline uint32_t reds_m4_ssub16(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm("ssub16 %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

static inline int32_t reds_m4_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t y;
    __asm("smlad %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(acc));
    return y;
}

#endif

/* Return the sum of one row without bias or factor, over `quads` words of weights, `stride` words apart,
 * and as many pairs of expanded inputs, `x_stride` words apart. */
int32_t reds_m4_plain_sum(const uint32_t *weights, uint32_t stride, const uint32_t *x, uint32_t x_stride,
                          uint32_t quads);

#endif
