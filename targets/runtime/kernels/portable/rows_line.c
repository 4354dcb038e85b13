/* The loops over windows and rows. */
#include "rows.h"

/* Write the rows at one position, or at two. */
static void write_rows(reds_rows *r, const int8_t *weights, uint32_t apart, uint32_t rows, bool twice)
{
    for (; rows >= REDS_ROWS; rows -= REDS_ROWS, weights += REDS_ROWS * apart) {
        r->weights[0] = weights;
        r->weights[1] = weights + apart;
        r->weights[2] = weights + 2 * apart;
        if (twice) {
            reds_three_rows_twice(r);
        } else {
            reds_three_rows(r);
        }
        r->bias += REDS_ROWS;
        r->multiplier += REDS_ROWS;
        r->out += REDS_ROWS;
        r->second_out += REDS_ROWS;
    }
    for (; rows > 0; rows--, weights += apart, r->bias++, r->multiplier++) {
        r->weights[0] = weights;
        reds_one_row(r, r->in, r->out++);
        if (twice) {
            reds_one_row(r, r->second, r->second_out++);
        }
    }
}

void reds_write_rows(const reds_rows *r, const int8_t *weights, uint32_t apart, uint32_t rows,
                     const reds_line *line)
{
    reds_rows now = *r;
    const int8_t *in = line->in;
    int8_t *out = line->out;
    for (uint32_t left = line->count, some; left > 0; left -= some) {
        some = left > 1 ? 2 : 1;
        now.bias = r->bias;
        now.multiplier = r->multiplier;
        now.in = in;
        now.second = in + line->in_apart;
        now.out = out;
        now.second_out = out + line->out_apart;
        write_rows(&now, weights, apart, rows, some == 2);
        in += some * line->in_apart;
        out += some * line->out_apart;
    }
}
