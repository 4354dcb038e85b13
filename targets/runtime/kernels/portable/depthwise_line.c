/* Each weight is read once for four windows. Sums are modulo 2^32, since parts of one may leave int32, while the whole
 * does not. */
#include "depthwise_line.h"

/* Write the sums of four windows, or of those that are left. */
static inline void write_sums(const reds_depthwise *d, uint32_t a, uint32_t b, uint32_t c, uint32_t e,
                              uint32_t left, int8_t *out)
{
    uint32_t step = d->out_step;
    int32_t multiplier = d->multiplier, zero = d->zero;
    *out = reds_requantize((int32_t)a, multiplier, zero);
    if (left > 1) {
        out[step] = reds_requantize((int32_t)b, multiplier, zero);
    }
    if (left > 2) {
        out[2 * step] = reds_requantize((int32_t)c, multiplier, zero);
    }
    if (left > 3) {
        out[3 * step] = reds_requantize((int32_t)e, multiplier, zero);
    }
}

void reds_depthwise_line(const reds_depthwise *d, const int8_t *values, int8_t *out)
{
    for (uint32_t left = d->windows;; left -= REDS_WINDOWS) {
        const int8_t *weights = d->weights, *line_in = values;
        uint32_t a = (uint32_t)d->bias, b = a, c = a, e = a;
        for (uint32_t line = d->lines; line > 0; line--) {
            const int8_t *w = weights, *in = line_in;
            for (uint32_t tap = d->taps; tap > 0; tap--) {
                int32_t weight = *w;
                const int8_t *x = in;
                a += (uint32_t)(weight * *x);
                x += d->stride;
                b += (uint32_t)(weight * *x);
                x += d->stride;
                c += (uint32_t)(weight * *x);
                x += d->stride;
                e += (uint32_t)(weight * *x);
                w += d->tap;
                in += d->dilation;
            }
            weights += d->line;
            line_in += d->pitch;
        }
        write_sums(d, a, b, c, e, left, out);
        if (left <= REDS_WINDOWS) {
            return;
        }
        values += REDS_WINDOWS * d->stride;
        out += REDS_WINDOWS * d->out_step;
    }
}

void reds_depthwise_line_of_3(const reds_depthwise *d, const int8_t *values, int8_t *out)
{
    uint32_t tap = d->tap;
    for (uint32_t left = d->windows;; left -= REDS_WINDOWS) {
        const int8_t *w = d->weights, *in = values;
        uint32_t a = (uint32_t)d->bias, b = a, c = a, e = a;
        for (uint32_t line = d->lines; line > 0; line--) {
            int32_t p = w[0], q = w[tap], r = w[2 * tap], x = in[0], y = in[1], z = in[2];
            a += (uint32_t)(p * x + q * y + r * z);
            x = in[3];
            b += (uint32_t)(p * y + q * z + r * x);
            y = in[4];
            c += (uint32_t)(p * z + q * x + r * y);
            z = in[5];
            e += (uint32_t)(p * x + q * y + r * z);
            w += d->line;
            in += d->pitch;
        }
        write_sums(d, a, b, c, e, left, out);
        if (left <= REDS_WINDOWS) {
            return;
        }
        values += REDS_WINDOWS;
        out += REDS_WINDOWS * d->out_step;
    }
}
