/* Layout radix256 on the Cortex-M4's dual multiplies: what the C and the assembler of this family share.
 *
 * Dense and convolution. Weights are words of four inputs of one row: halfwords (256*w1 + w0, 256*w3 + w2).
 * Inputs are expanded to pairs of words, (x1, x3) and (256*x0 - x1, 256*x2 - x3). Then
 *
 *     SMLAD(raw, first) + SMLAD(low bytes of raw, second) = 256 * sum(w*x)      modulo 2^32,
 *
 * and the packer proves that the final sum fits int32, or marks the four rows plain: their halfwords are
 * taken apart. Order of words:
 *
 *     dense  [groups of 4 rows][ceil(in / 4)][4 rows]
 *     conv   [groups of 2 rows][in / 4][taps][2 rows]       units read by four, so that fewer are a prefix
 *            [groups of 2 rows][ceil(taps * in / 4)][2 rows] where the full net's `in` is no multiple of 4
 *
 * Depthwise, 3 x 3 only: int16 [groups of 4 units][9 taps][w0, w2, w1, w3].
 *
 * Tables of layers with weights: a header, then a word a row, the multiplier above the bias. The sum begins
 * with the shifted lower half; SMLAWT multiplies it by the upper half and adds zero point and half a step; a
 * shift ends it. That is the project's rounding: a floor of a floor is one floor.
 *
 * SSAT, then QSUB8 and QADD8 lift -128 to -127 in four outputs at once. Writes are whole words or halfwords in
 * ascending order, up to 3 bytes past a tensor's end: inside its 16-byte padding. */
#ifndef REDS_CORTEX_M4_H
#define REDS_CORTEX_M4_H

#include <stddef.h>
#include <stdint.h>

#include "../portable/portable.h"

/* The table of a layer with weights, in a pack. Where weights are words it holds 256 * bias and m / 256. */
typedef struct {
    uint8_t bias_shift; /* bias = int16 << bias_shift */
    uint8_t shift;      /* y = zero + ((acc * multiplier >> 16) + half) >> shift */
    uint16_t reserved;
    uint32_t rows[]; /* bias in the lower half, multiplier in the upper one */
} reds_m4_table;

/* Rows against one site's inputs (reds_m4_dense) or two sites' (reds_m4_conv). */
typedef struct {
    const uint32_t *weights;
    const uint32_t *x;
    const uint32_t *table; /* rows of it */
    uint32_t bias_right;   /* 16 - bias_shift */
    uint32_t quads;        /* of inputs, at least one */
    uint32_t skip;         /* bytes from the last weight read to the next group */
    int32_t rounding;      /* zero point and half a step, times 2^shift */
    uint32_t shift;
    int8_t *out;
    int8_t *out2;    /* of the second site */
    uint32_t groups; /* of four rows, or of two for two sites; at least one */
} reds_m4_rows;

/* Both advance every pointer but x. */
void reds_m4_dense(reds_m4_rows *rows);
void reds_m4_conv(reds_m4_rows *rows);

/* One row of sites of a depthwise layer. */
typedef struct {
    const int8_t *line[3]; /* the first site's window: a line of sites each, padding in it */
    const uint32_t *weights;
    const uint32_t *table; /* rows of it */
    int32_t bias_unit;     /* 2^bias_shift */
    int32_t rounding;
    uint32_t shift;
    int8_t *out;
    uint32_t units;  /* bytes of a site */
    uint32_t step;   /* bytes from one window to the next */
    uint32_t groups; /* of four units, at least one */
    uint32_t sites;  /* at least one */
} reds_m4_line;

void reds_m4_depthwise(const reds_m4_line *line);

/* `quads` words of four inputs -> two words each; for two sites, theirs in turn. */
void reds_m4_expand(const int8_t *in, uint32_t *x, uint32_t quads);
void reds_m4_expand_two(const int8_t *in, const int8_t *in2, uint32_t *x, uint32_t quads);

/* As memcpy, by words whatever the alignment: small C libraries copy byte by byte. */
void reds_m4_copy(int8_t *to, const int8_t *from, uint32_t bytes);

/* Zero point and half a step, in the numbers of a table. */
static inline int32_t reds_m4_rounding(const reds_m4_table *table, int32_t zero)
{
    return zero * (1 << table->shift) + (1 << (table->shift - 1));
}

/* One output of a plain row: its sum, not times 256, and its word. */
static inline int8_t reds_m4_plain(const reds_m4_table *table, uint32_t row, int32_t sum, int32_t zero)
{
    int32_t bias = (int16_t)table->rows[row] * (1 << (table->bias_shift - 8));
    int32_t multiplier = (int32_t)(table->rows[row] & 0xffff0000) >> (table->shift - 8);
    return reds_requantise(bias + sum, multiplier, zero);
}

/* The kernels of the family. */
void reds_m4_run_dense(const reds_op *op);
void reds_m4_run_conv(const reds_op *op);
void reds_m4_run_depthwise(const reds_op *op);
void reds_m4_run_average_pool(const reds_op *op);

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

/* 256 * bias-free sum of one row taken apart: the words of `quads` inputs, `stride` words from one to the
 * next, against expanded inputs `x_stride` words apart. */
int32_t reds_m4_plain_sum(const uint32_t *weights, uint32_t stride, const uint32_t *x, uint32_t x_stride,
                          uint32_t quads);

#endif
