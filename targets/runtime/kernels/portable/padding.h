/* Biases of windows that lie partly in the padding, which has the value of the input's zero point: a tap there adds its
 * weight times that. The biases of a window are kept for the next one like it. */
#ifndef REDS_PADDING_H
#define REDS_PADDING_H

#include "windows.h"

enum { REDS_KEPT = 48 }; /* units whose biases are kept */

/* Units side by side with their weights. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias;
    uint32_t units; /* at most REDS_KEPT where windows have padding */
    uint32_t reads; /* weights of a tap that are read */
    uint32_t apart; /* weights from one tap to the next */
    uint32_t line;  /* weights of a row of taps */
    uint32_t unit;  /* weights of a unit */
    reds_taps rows, columns;
    int32_t kept[REDS_KEPT]; /* of windows that have these taps in the input */
} reds_padding;

/* Begin with `left` units or fewer, whose weights and biases follow those of the layer's first `done` ones. */
void reds_padding_begin(const reds_op *op, reds_padding *p, uint32_t done, uint32_t left);

/* Return the biases of the units in windows. */
const int32_t *reds_padding_biases(const reds_op *op, reds_padding *p, const reds_windows *w);

#endif
