/* Kernels for the Cortex-M55 and other processors with Helium (MVE), and their layout, helium.
 *
 * VMLADAV adds sixteen products to a sum. Weights are int8, with sixteen inputs of a row side by side, then those
 * of the other rows of a group of four:
 *
 *     dense, conv  [groups of 4 rows][chunks of 16 inputs][4 rows][16 inputs]
 *     depthwise    [chunks of 16 units][taps][16 units]
 *
 * The chunks of a row run over the taps of its window, `in` padded to 16 at each; if `in` is less than 16, and there
 * are several taps, without dilation along the columns, over all of the window. A dense layer has one tap. A subnet
 * reads the first groups, and the first chunks of every tap; the last chunk of a run is loaded by predication, so
 * that inputs outside the subnet are 0. Tables are canonical.
 *
 * Requantization: VQRDMULH(acc, m / 2) equals (acc * m + 2^31) >> 32, since m is even and above its lower limit. */
#ifndef REDS_HELIUM_H
#define REDS_HELIUM_H

#include "../portable/portable.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) != 0
#define REDS_HELIUM
#include <arm_mve.h>

#define REDS_ALWAYS_INLINE static inline __attribute__((always_inline))

enum { REDS_HELIUM_CHUNK = 16 };

/* Rows of weights times windows of the input. A window is `lines` of `runs` of contiguous inputs. */
typedef struct {
    const int8_t *weights;
    const int8_t *x; /* the first window */
    int8_t *out;
    const int32_t *bias, *multiplier;
    uint32_t rows;             /* of the subnet: the bytes from one output position to the next */
    size_t group;              /* bytes of weights from a group of four rows to the next */
    uint32_t lines, runs;      /* of the window */
    uint32_t inputs;           /* of a run; at least one */
    size_t gap;                /* bytes of weights that the subnet skips after each run */
    size_t run, line;          /* bytes of x that it skips after the chunks of a run, and after a line */
    uint32_t positions, width; /* of the output, and of one row of it */
    size_t step, row;          /* bytes of x from a position or a row of the output to the next */
    int32_t zero;
    int8_t *windows;      /* room for two windows, if they are gathered */
    uint32_t gathered;    /* bytes of a kernel row in the input if windows are gathered, or 0 */
    uint32_t kernel_rows; /* of them */
    size_t kernel_line;   /* bytes from one to the next */
} reds_helium_rows;

void reds_helium_multiply(const reds_helium_rows *rows);

void reds_helium_dense(const reds_op *op);
void reds_helium_conv(const reds_op *op);
void reds_helium_depthwise(const reds_op *op);
void reds_helium_average_pool(const reds_op *op);
void reds_helium_max_pool(const reds_op *op);
void reds_helium_add(const reds_op *op);

static inline uint32_t reds_helium_chunks_of(uint32_t inputs)
{
    return (inputs + REDS_HELIUM_CHUNK - 1) / REDS_HELIUM_CHUNK;
}

/* Return whether windows are stored, and gathered, without padding between their positions. */
static inline bool reds_helium_tight(const reds_layer *layer, uint32_t full)
{
    return full < REDS_HELIUM_CHUNK && layer->kernel[0] * layer->kernel[1] > 1 && layer->dilation[1] == 1;
}

/* Return the chunks that a row of weights has in the full net. */
static inline uint32_t reds_helium_chunks(const reds_layer *layer, uint32_t full)
{
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1];
    return reds_helium_tight(layer, full) ? reds_helium_chunks_of(taps * full)
                                          : taps * reds_helium_chunks_of(full);
}

/* Return the bytes of a position of the input, as a convolution reads it. */
static inline uint32_t reds_helium_pitch(const reds_layer *layer, uint32_t full, uint32_t live)
{
    return reds_helium_tight(layer, full) ? full : live;
}

/* Return the bytes of the copy of the input that a convolution makes: 0 if it reads the input in place. */
static inline size_t reds_helium_copy_bytes(const reds_layer *layer, const reds_tensor *from, uint32_t live)
{
    uint32_t pitch = reds_helium_pitch(layer, from->units, live);
    if (!reds_padded(layer) && pitch == live) {
        return 0;
    }
    size_t height = (size_t)from->height + layer->padding[0] + layer->padding[2];
    size_t width = (size_t)from->width + layer->padding[1] + layer->padding[3];
    return height * width * pitch;
}

/* Return the bytes of the copy of the input that a depthwise layer makes: 0 if it reads the input in place. Its loads
 * of sixteen bytes may reach past the last position. */
static inline size_t reds_helium_depthwise_copy(const reds_layer *layer, const reds_tensor *from,
                                                uint32_t live)
{
    size_t height = (size_t)from->height + layer->padding[0] + layer->padding[2];
    size_t width = (size_t)from->width + layer->padding[1] + layer->padding[3];
    return reds_padded(layer) || live % 16 != 0 ? (height * width * live + 31) / 16 * 16 : 0;
}

/* Return whether a depthwise layer's units share a vector with those of the positions that follow. */
static inline bool reds_helium_shared(const reds_layer *layer, const reds_tensor *from, uint32_t live)
{
    int32_t width =
        from->width + layer->padding[1] + layer->padding[3] - layer->dilation[1] * (layer->kernel[1] - 1);
    return live < 16 && 16 % live == 0 && layer->stride[1] == 1 && width * (int32_t)live >= 16;
}

/* Return the bytes of two gathered windows. */
static inline uint32_t reds_helium_window_bytes(const reds_layer *layer, uint32_t full)
{
    return reds_helium_tight(layer, full) ? 2 * REDS_HELIUM_CHUNK * reds_helium_chunks(layer, full) : 0;
}

/* Requantize four sums, before they are narrowed. `half` holds m / 2. */
REDS_ALWAYS_INLINE int32x4_t reds_helium_requantize(int32x4_t acc, int32x4_t half, int32_t zero)
{
    int32x4_t y = vaddq_n_s32(vqrdmulhq_s32(acc, half), zero);
    return vminq_s32(vmaxq_s32(y, vdupq_n_s32(-127)), vdupq_n_s32(127));
}

#endif
#endif
