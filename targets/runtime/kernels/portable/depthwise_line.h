/* One unit of a depthwise convolution, one line of windows at a time. */
#ifndef REDS_DEPTHWISE_LINE_H
#define REDS_DEPTHWISE_LINE_H

#include "../kernels.h"

enum { REDS_WINDOWS = 4 }; /* whose sums are in registers at once */

/* A line of windows. Values are read for a multiple of REDS_WINDOWS of them. */
typedef struct {
    const int8_t *weights;
    int32_t bias, multiplier, zero;
    uint32_t windows;     /* at least one */
    uint32_t lines, taps; /* lines of taps of a window, and taps of a line */
    uint32_t line, tap;   /* weights from one to the next */
    uint32_t pitch;       /* values from one line of taps to the next */
    uint32_t dilation;    /* values from one tap to the next */
    uint32_t stride;      /* values from one window to the next */
    uint32_t out_step;    /* bytes from one output to the next */
} reds_depthwise;

REDS_APART void reds_depthwise_line(const reds_depthwise *d, const int8_t *values, int8_t *out);

/* Likewise where lines have three taps side by side, and the stride is 1. */
REDS_APART void reds_depthwise_line_of_3(const reds_depthwise *d, const int8_t *values, int8_t *out);

#endif
