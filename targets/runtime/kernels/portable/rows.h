/* Rows of weights times windows of an input: what a convolution and a dense layer write. */
#ifndef REDS_ROWS_H
#define REDS_ROWS_H

#include "../kernels.h"

enum { REDS_ROWS = 3 }; /* that are summed at once */

/* Windows in a line that read the same weights. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    uint32_t count;
    uint32_t in_apart, out_apart; /* bytes from one window to the next */
} reds_line;

/* Three rows or one, and what they read: lines of runs of values that follow each other, in the input as in each row. */
typedef struct {
    const int8_t *weights[REDS_ROWS]; /* each under the first value that is read */
    const int32_t *bias, *multiplier;
    const int8_t *in, *second;             /* the first value, at one position and at another */
    int8_t *out, *second_out;              /* what the first row writes */
    int32_t zero;                          /* of the output */
    uint32_t count, runs, lines;           /* values of a run, runs of a line, lines */
    int32_t in_gap, weights_gap;           /* from the end of a run to the next one of a line */
    int32_t in_line_gap, weights_line_gap; /* from the end of a line to the next one */
} reds_rows;

/* Return the gap from an end to what comes next: below 0 where that begins before. */
static inline int32_t reds_gap(uint32_t end, uint32_t next)
{
    return (int32_t)(next - end);
}

/* Write the first row at a position. */
REDS_APART void reds_one_row(const reds_rows *r, const int8_t *in, int8_t *out);

/* Write three rows, at one position or at both. */
REDS_APART void reds_three_rows(const reds_rows *r);
REDS_APART void reds_three_rows_twice(const reds_rows *r);

/* Write `rows` rows that are `apart` weights from each other, in windows in a line. The rest of `r` is set but for its
 * positions and its first row. */
void reds_write_rows(const reds_rows *r, const int8_t *weights, uint32_t apart, uint32_t rows,
                     const reds_line *line);

#endif
