/* Rows of weights times windows of an input, plain C. Three rows are summed at once, so that each input is read once for
 * three sums, and each weight once for two positions.
 *
 * Sums are modulo 2^32, since parts of one may leave int32, while the whole does not. */
#include "rows.h"

void reds_one_row(const reds_rows *r, const int8_t *in, int8_t *out)
{
    const int8_t *w = r->weights[0];
    uint32_t sum = (uint32_t)r->bias[0];
    for (uint32_t line = r->lines; line > 0; line--) {
        for (uint32_t run = r->runs; run > 0; run--) {
            for (const int8_t *end = in + r->count; in != end;) {
                sum += (uint32_t)(*w++ * *in++);
            }
            in += r->in_gap;
            w += r->weights_gap;
        }
        in += r->in_line_gap;
        w += r->weights_line_gap;
    }
    *out = reds_requantize((int32_t)sum, r->multiplier[0], r->zero);
}

void reds_three_rows(const reds_rows *r)
{
    const int8_t *w0 = r->weights[0], *w1 = r->weights[1], *w2 = r->weights[2], *in = r->in;
    const int32_t *bias = r->bias, *multiplier = r->multiplier;
    uint32_t a = (uint32_t)bias[0], b = (uint32_t)bias[1], c = (uint32_t)bias[2];
    for (uint32_t line = r->lines; line > 0; line--) {
        for (uint32_t run = r->runs; run > 0; run--) {
            for (const int8_t *end = in + r->count; in != end;) {
                int32_t x = *in++;
                a += (uint32_t)(*w0++ * x);
                b += (uint32_t)(*w1++ * x);
                c += (uint32_t)(*w2++ * x);
            }
            in += r->in_gap;
            w0 += r->weights_gap;
            w1 += r->weights_gap;
            w2 += r->weights_gap;
        }
        in += r->in_line_gap;
        w0 += r->weights_line_gap;
        w1 += r->weights_line_gap;
        w2 += r->weights_line_gap;
    }
    int8_t *out = r->out;
    int32_t zero = r->zero;
    out[0] = reds_requantize((int32_t)a, multiplier[0], zero);
    out[1] = reds_requantize((int32_t)b, multiplier[1], zero);
    out[2] = reds_requantize((int32_t)c, multiplier[2], zero);
}

void reds_three_rows_twice(const reds_rows *r)
{
    const int8_t *w0 = r->weights[0], *w1 = r->weights[1], *w2 = r->weights[2];
    const int8_t *in = r->in, *second = r->second;
    const int32_t *bias = r->bias, *multiplier = r->multiplier;
    uint32_t a = (uint32_t)bias[0], b = (uint32_t)bias[1], c = (uint32_t)bias[2], d = a, e = b, f = c;
    for (uint32_t line = r->lines; line > 0; line--) {
        for (uint32_t run = r->runs; run > 0; run--) {
            for (const int8_t *end = in + r->count; in != end;) {
                int32_t x = *in++, y = *second++, w = *w0++;
                a += (uint32_t)(w * x);
                d += (uint32_t)(w * y);
                w = *w1++;
                b += (uint32_t)(w * x);
                e += (uint32_t)(w * y);
                w = *w2++;
                c += (uint32_t)(w * x);
                f += (uint32_t)(w * y);
            }
            in += r->in_gap;
            second += r->in_gap;
            w0 += r->weights_gap;
            w1 += r->weights_gap;
            w2 += r->weights_gap;
        }
        in += r->in_line_gap;
        second += r->in_line_gap;
        w0 += r->weights_line_gap;
        w1 += r->weights_line_gap;
        w2 += r->weights_line_gap;
    }
    int8_t *out = r->out, *second_out = r->second_out;
    int32_t zero = r->zero;
    out[0] = reds_requantize((int32_t)a, multiplier[0], zero);
    out[1] = reds_requantize((int32_t)b, multiplier[1], zero);
    out[2] = reds_requantize((int32_t)c, multiplier[2], zero);
    second_out[0] = reds_requantize((int32_t)d, multiplier[0], zero);
    second_out[1] = reds_requantize((int32_t)e, multiplier[1], zero);
    second_out[2] = reds_requantize((int32_t)f, multiplier[2], zero);
}
