/* Rows of weights times windows of an input: what a convolution and a dense layer write. */
#ifndef REDS_ROWS_H
#define REDS_ROWS_H

#include "../kernels.h"

enum { REDS_ROWS = 3 }; /* that are summed at once */

/* Three rows or one, and what they read: lines of runs of values that follow each other, in the input as in each row. */
typedef struct {
    const int8_t *weights[REDS_ROWS]; /* each under the first value that is read */
    const int32_t *bias, *multiplier;
    const int8_t *in, *second;              /* the first value, at one position and at another */
    int8_t *out, *second_out;               /* what the first row writes */
    int32_t zero;                           /* of the output */
    uint32_t count, runs, lines;            /* values of a run, runs of a line, lines */
    uint32_t in_gap, weights_gap;           /* from the end of a run to the next one of a line */
    uint32_t in_line_gap, weights_line_gap; /* from the end of a line to the next one */
} reds_rows;

/* Write a row at one position. */
void reds_one_row(const reds_rows *r);

/* Write three rows, at one position or at both. */
void reds_three_rows(const reds_rows *r);
void reds_three_rows_twice(const reds_rows *r);

/* Write `rows` rows that are `apart` weights from each other, at one position or at both. */
static inline void reds_write_rows(reds_rows *r, const int8_t *weights, uint32_t apart, uint32_t rows, bool twice)
{
    for (; rows >= REDS_ROWS; rows -= REDS_ROWS) {
        r->weights[0] = weights;
        r->weights[1] = weights + apart;
        r->weights[2] = weights + 2 * apart;
        if (twice) {
            reds_three_rows_twice(r);
            r->second_out += REDS_ROWS;
        } else {
            reds_three_rows(r);
        }
        weights += 3 * apart;
        r->bias += REDS_ROWS;
        r->multiplier += REDS_ROWS;
        r->out += REDS_ROWS;
    }
    for (; rows > 0; rows--, weights += apart, r->bias++, r->multiplier++, r->out++) {
        r->weights[0] = weights;
        reds_one_row(r);
        if (twice) {
            reds_rows other = *r;
            other.in = r->second;
            other.out = r->second_out++;
            reds_one_row(&other);
        }
    }
}

#endif
