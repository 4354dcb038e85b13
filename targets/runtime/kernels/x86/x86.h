/* Layout vnni, for the byte products of x86: what its three families share. Each compiles the same kernels
 * (dense.h, conv.h, depthwise.h, pool.h) for vectors of its own (lanes512.h, lanes256.h).
 *
 * inputs   copied to scratch once a layer, the padding around them, as unsigned bytes x + 128. Sites are
 *          `site` bytes apart; lanes past units_in are 0, so that weights of larger subnets there count for
 *          nothing. The tables hold bias - 128 * (sum of the weights that the subnet reads)
 * weights  dense, conv: int8 [panels of 16 rows][quads][16 rows][4 inputs]; quads are by fours
 *          [blocks of 4 units][kernel rows][kernel columns][4 units], so that fewer units are a prefix.
 *          Where the full net reads fewer than 4 units, a block is as wide as they are and each kernel row
 *          is padded to a multiple of four
 *          depthwise: int8 [taps by four][units, padded to 16][4 taps]
 * sums     modulo 2^32. In a pack that breaks no rule the last fits int32: |bias| < 2^30, and 2^16 weights
 *          times 128 are less than 2^30. In others it is wrong but no overflow, for it is a vector's
 * rounding reds_requantise's, in vectors
 */
#ifndef REDS_X86_H
#define REDS_X86_H

#include "../kernels.h"

enum {
    PANEL = 16,
    LINE = 64
}; /* rows; bytes: alignment in the scratch, and what may be read past the copy */

/* A layer as windows over the copy of its input; a dense layer is one window of one site. */
typedef struct {
    uint32_t rows, columns; /* of the kernel */
    uint32_t down, across;  /* strides */
    uint32_t top, left;     /* padding */
    uint32_t height, width; /* of the copy, in sites */
    uint32_t phases;        /* columns this far apart stand together in the copy, so that windows do */
    uint32_t live, site;    /* bytes of a site that count; bytes from one to the next */
    uint64_t quads;         /* of inputs, or of taps, in a window */
} reds_x86_window;

/* The scratch of a layer: its parts, each on a line of its own. */
typedef struct {
    uint32_t *offsets; /* from the start of a window, of each quad of inputs or each tap */
    int32_t *arranged; /* depthwise: weights in the order of the lanes */
    uint8_t *copy;
} reds_x86_scratch;

reds_x86_window reds_x86_window_of(const reds_layer *layer, const reds_tensor *from, uint32_t units);
reds_x86_scratch reds_x86_scratch_of(const reds_op *op, const reds_x86_window *window);

uint64_t reds_x86_weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to);
uint32_t reds_x86_scratch_bytes(const reds_layer *layer, const reds_tensor *from, const reds_step *step);
bool reds_x86_table_ok(const reds_layer *layer, const void *table, uint32_t rows, const uint8_t *plain);

/* Bytes from the start of the copy to a column of its first line. */
static inline size_t reds_x86_column(const reds_x86_window *w, uint32_t column)
{
    return (size_t)(column % w->phases * (w->width / w->phases) + column / w->phases) * w->site;
}

#endif
