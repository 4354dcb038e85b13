/* Depthwise layers for the Cortex-M4: any kernel, stride, padding and dilation.
 *
 * Four units of a strip of input lines are copied to scratch as int16, one unit apart from the other, padding
 * included. Lines run along the side of the picture with more outputs, or along the only side of the kernel, so that
 * two taps lie in one word, for one dual multiply. A line buffer of one strip:
 *
 *     int16 [lines][4 units][positions]
 *
 * Weights are int8 [units][kernel rows][kernel columns], as in the canonical layout. The kernels spread those of a unit
 * to words of two taps, once for all outputs of a strip:
 *
 *     stride 1     (w0, w1) (w2, w3) (w1, w2) (w4, w5) (w3, w4) ... (w4, w5)     for two outputs side by side
 *     otherwise    (w0, w1) (w2, w3) ... (w4, 0)
 *
 * A row of fewer taps than the kernel takes has weights of 0 at its end. The only row of more than nine taps is taken for
 * rows of eight, which begin eight positions apart. Along dilated windows the positions of a line
 * are taken `dilation` apart, so that each phase of the outputs is a layer without dilation. A grouped layer whose
 * blocks read one unit runs here too. */
#ifndef REDS_CORTEX_M4_DEPTHWISE_H
#define REDS_CORTEX_M4_DEPTHWISE_H

#include "cortex_m4.h"
#include "depthwise_offsets.h"

/* Scratch is chosen to be at most this where a strip of one line of 12 outputs fits. A layer that needs more than the
 * limit has no kernel. */
enum { REDS_M4_STRIP_BYTES = 8192, REDS_M4_STRIP_LIMIT = 16384 };
enum { REDS_M4_PART = 8, REDS_M4_FEW_OUTPUTS = 4 /* outputs, at most, that are computed without strips */ };

/* One side of a layer, in the full net. Steps are in positions. */
typedef struct {
    uint32_t in, out, kernel, stride, dilation, padding, in_step, out_step;
} reds_m4_side;

/* How a layer is cut into strips: the same for all subnets. */
typedef struct {
    reds_m4_side along, across;
    uint32_t tap, row; /* weights from one tap to the next, along a line and across lines */
    uint32_t
        phases; /* outputs along a line that read the same positions modulo the dilation are this far apart */
    uint32_t stride; /* of one phase, along a line */
    uint32_t parts;  /* of the only row of a kernel, of eight taps each; otherwise 1 */
    uint32_t taps;  /* of a part, with those that its kernel adds with weights of 0: odd, if it has no loop */
    uint32_t words; /* of spread weights of a part */
    uint32_t outputs; /* along the line of a strip, the most */
    uint32_t lines;   /* of outputs of a strip, the most */
    uint32_t buffers; /* lines of inputs for them */
    uint32_t bytes;   /* of one unit's line buffer */
    uint32_t scratch;
} reds_m4_strips;

/* Return whether a kernel has the taps of a row one after the other, without a loop. */
static inline bool reds_m4_unrolled(const reds_m4_strips *strips)
{
    return strips->taps % 2 != 0;
}

/* Fill in how a layer is cut. Return false if its scratch would exceed the limit. */
bool reds_m4_strips_of(const reds_layer *layer, const reds_tensor *from, reds_m4_strips *strips);

/* Return whether a layer is depthwise, or a grouped one whose blocks read one unit. */
bool reds_m4_is_depthwise(const reds_layer *layer, const reds_tensor *from);

/* Up to four units of a strip, for a kernel. */
typedef struct {
    const int16_t *x;    /* the first window of the first unit */
    const void *weights; /* spread, but of 3 x 3 as they are in the pack */
    int8_t *out;
    const uint32_t *table; /* the word of the first unit */
    uint32_t units;
    uint32_t unit_bytes;    /* from one unit's lines to those of the next */
    uint32_t weights_bytes; /* from one unit's weights to those of the next */
    uint32_t tap, row;      /* of weights as they are in the pack */
    int32_t bias_unit;      /* 2^bias_shift */
    uint32_t scale;         /* a multiplier is int16 << scale */
    int32_t zero_less_1;
    uint32_t lines;           /* of outputs */
    uint32_t rows;            /* of the kernel, or parts of its only row */
    uint32_t row_bytes;       /* from one input line of a window to the next */
    uint32_t pairs;           /* of taps in a row */
    uint32_t blocks;          /* of outputs in a line: 256 * (blocks - 1) + 1, or 0 for none */
    uint32_t rest;            /* outputs of a line after its blocks */
    int32_t next_x, next_out; /* bytes from where a kernel is after a line to the next one */
    uint32_t site;            /* bytes from one output of a line to the next */
    uint32_t step;            /* bytes from one window to the next */
} reds_m4_strip;

typedef void reds_m4_strip_kernel(const reds_m4_strip *strip);

/* Stride 1: six outputs at a time. The number is that of taps in a row. */
reds_m4_strip_kernel reds_m4_strip_3, reds_m4_strip_5, reds_m4_strip_7, reds_m4_strip_9;
reds_m4_strip_kernel reds_m4_strip_1x3, reds_m4_strip_1x5, reds_m4_strip_1x7, reds_m4_strip_1x9;
reds_m4_strip_kernel reds_m4_strip_3x3, reds_m4_strip_3x3_six; /* six: every line has six outputs */
/* Stride 2: four outputs at a time, but 3 x 3 has six. */
reds_m4_strip_kernel reds_m4_strip_3_by_2, reds_m4_strip_5_by_2, reds_m4_strip_7_by_2, reds_m4_strip_9_by_2;
reds_m4_strip_kernel reds_m4_strip_1x3_by_2, reds_m4_strip_1x5_by_2, reds_m4_strip_1x7_by_2,
    reds_m4_strip_1x9_by_2;
reds_m4_strip_kernel reds_m4_strip_3x3_by_2, reds_m4_strip_3x3_six_by_2;
/* Any stride and number of taps: four outputs at a time. */
reds_m4_strip_kernel reds_m4_strip_any;

/* Four units of input lines that are copied to line buffers. */
typedef struct {
    uint32_t step;       /* bytes from one position to the next */
    uint32_t head;       /* whether the first position is the second of a word */
    uint32_t pairs;      /* of positions, after that one */
    uint32_t last;       /* whether one more position follows */
    uint32_t padding;    /* the zero point in four bytes */
    uint32_t lines;      /* at least one */
    uint32_t line_step;  /* bytes from one line to the next */
    uint32_t unit_bytes; /* as in reds_m4_strip */
} reds_m4_lines;

/* Copy lines to the buffers of four units that begin at `to`, which is at a word. */
void reds_m4_copy_lines(const int8_t *in, int16_t *to, const reds_m4_lines *lines);

/* Weights of units that are spread, of rows of two taps or more. */
typedef struct {
    uint32_t tap, row; /* bytes from one to the next */
    uint32_t pairs;    /* of taps in a row */
    uint32_t odd;      /* whether one more tap follows */
    uint32_t zero;     /* whether one more word of zeros follows */
    uint32_t rows;
    uint32_t unit; /* bytes from the end of a unit to the next one */
    uint32_t units;
} reds_m4_weights;

/* Spread weights for kernels of stride 1, and for others. */
void reds_m4_spread_twice(const int8_t *weights, uint32_t *to, const reds_m4_weights *how);
void reds_m4_spread_once(const int8_t *weights, uint32_t *to, const reds_m4_weights *how);

/* Return whether a layer is computed without strips and scratch. */
static inline bool reds_m4_is_few(const reds_layer *layer, const reds_m4_strips *strips)
{
    return layer->kind == REDS_DEPTHWISE && strips->along.out * strips->across.out <= REDS_M4_FEW_OUTPUTS;
}

/* Return the bytes of scratch of such a layer. */
uint32_t reds_m4_few_scratch(const reds_layer *layer, uint32_t units);

void reds_m4_depthwise_few(const reds_op *op);

/* An output of at least four units. */
typedef struct {
    const int8_t *const *positions; /* where the values of each tap are */
    uint32_t taps;
    const int8_t *weights;
    const uint32_t *table; /* its words */
    int8_t *out;
    uint32_t units;
    int32_t bias_unit;
    uint32_t scale;
    int32_t zero_less_1;
} reds_m4_window;

void reds_m4_compute_window(const reds_m4_window *window);

void reds_m4_run_depthwise(const reds_op *op);

#endif
