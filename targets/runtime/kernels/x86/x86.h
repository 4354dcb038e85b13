/* Kernels for x86 and their layout, vnni, made for products of unsigned and signed bytes. Three families
 * compile the same kernels (dense.h, conv.h, depthwise.h, pool.h) for vectors of their own (lanes512.h,
 * lanes256.h).
 *
 * Inputs: copied to scratch once a layer, with padding around them, as x + OFFSET: unsigned bytes for the
 * instructions that multiply those, with an OFFSET of 128, and x itself for AVX2. A position has `pitch` bytes; lanes
 * past units_in are 0, so that weights of larger subnets add nothing.
 *
 * Tables of layers with weights: biases, multipliers, and the biases for inputs of x + 128, which are
 * bias - 128 * (sum of the weights that the subnet reads).
 *
 * Weights of dense layers and convolutions: int8 [panels of 16 rows][quads][16 rows][4 inputs]. Quads are
 * ordered [blocks of 4 units][kernel rows][kernel columns][4 units], so that a subnet reads a prefix. If
 * the full net has fewer than 4 input units, a block is as wide as they are and each kernel row is padded
 * to a multiple of four.
 *
 * Weights of depthwise convolutions: int8 [taps by four][units, padded to 16][4 taps]. Of a kernel of 3 x 3 each row is
 * padded to four.
 *
 * Sums are modulo 2^32. In a valid pack the final one fits int32: |bias| < 2^30, and 2^16 weights times
 * 128 are less than 2^30. In an invalid pack it wraps, which is defined for vectors.
 *
 * Requantization equals reds_requantize. */
#ifndef REDS_X86_H
#define REDS_X86_H

#include "../kernels.h"

enum { PANEL = 16 }; /* rows of weights */
enum { TILE = 8 };   /* windows of the largest tile */
enum { LINE = 64 };  /* bytes: alignment in the scratch, and how far loads reach past the copy */

/* A layer as windows over the copy of its input. A dense layer is one window of one position. */
typedef struct {
    uint32_t rows, columns;           /* of the kernel */
    uint32_t skip_rows, skip_columns; /* from one tap to the next */
    uint32_t down, across;            /* strides */
    uint32_t top, left;               /* padding */
    uint32_t height, width;           /* of the copy, in positions */
    uint32_t phases; /* columns this far apart are adjacent in the copy, so that windows are, too */
    uint32_t spread_rows, spread_columns; /* from one position of the input to the next in the copy */
    uint32_t live, pitch; /* bytes of a position that are used; bytes from one position to the next */
    uint64_t quads;       /* of inputs, or of taps, in a window */
} reds_x86_window;

/* The parts of a layer's scratch, each aligned to LINE. */
typedef struct {
    uint32_t *offsets; /* of each quad of inputs, or each tap, from the start of a window */
    int32_t *arranged; /* depthwise: weights in the order of the lanes */
    uint8_t *copy;
    size_t plane; /* bytes from the copy to a second one, which AVX2 makes */
} reds_x86_scratch;

/* Return the quads of a window over so many units. */
uint64_t reds_x86_quads(const reds_layer *layer, const reds_tensor *from, uint32_t units);

/* Set a window that reads so many units: field by field in its place, since compilers copy a returned struct in larger
 * pieces than they wrote, for which loads wait. */
void reds_x86_set_window(reds_x86_window *w, const reds_layer *layer, const reds_tensor *from,
                         uint32_t units);
reds_x86_scratch reds_x86_scratch_of(const reds_op *op, const reds_x86_window *window);

uint64_t reds_x86_weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to);
uint64_t reds_x86_table_bytes(const reds_layer *layer, uint32_t rows);
uint32_t reds_x86_scratch_bytes(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in);
bool reds_x86_table_ok(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain);

/* Return the bytes from the start of the copy to a column of its first line. */
static inline size_t reds_x86_column(const reds_x86_window *w, uint32_t column)
{
    return (size_t)(column % w->phases * (w->width / w->phases) + column / w->phases) * w->pitch;
}

#endif
