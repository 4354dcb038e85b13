/* Rows times positions by VMLADAV, two rows by two positions at a time, or four rows by one. helium.h explains the
 * layout. */
#include "helium.h"

#ifdef REDS_HELIUM

/* Add the products of two rows with two windows. `w` has the first of them. */
REDS_ALWAYS_INLINE void two_by_two(const reds_helium_rows *r, const int8_t *w, const int8_t *a, const int8_t *b,
                                   int32_t sums[4])
{
    int32_t a0 = 0, a1 = 0, b0 = 0, b1 = 0;
    uint32_t whole = r->inputs / REDS_HELIUM_CHUNK, left = r->inputs % REDS_HELIUM_CHUNK;
    mve_pred16_t some = vctp8q(left);
    for (uint32_t line = r->lines; line > 0; line--, a += r->line, b += r->line) {
        for (uint32_t run = r->runs; run > 0; run--, a += r->run, b += r->run, w += r->gap) {
            for (uint32_t chunk = whole; chunk > 0; chunk--, a += 16, b += 16, w += 64) {
                int8x16_t w0 = vldrbq_s8(w), w1 = vldrbq_s8(w + 16), xa = vldrbq_s8(a), xb = vldrbq_s8(b);
                a0 = vmladavaq_s8(a0, w0, xa);
                b0 = vmladavaq_s8(b0, w0, xb);
                a1 = vmladavaq_s8(a1, w1, xa);
                b1 = vmladavaq_s8(b1, w1, xb);
            }
            if (left > 0) {
                int8x16_t w0 = vldrbq_s8(w), w1 = vldrbq_s8(w + 16), xa = vldrbq_z_s8(a, some),
                          xb = vldrbq_z_s8(b, some);
                a0 = vmladavaq_s8(a0, w0, xa);
                b0 = vmladavaq_s8(b0, w0, xb);
                a1 = vmladavaq_s8(a1, w1, xa);
                b1 = vmladavaq_s8(b1, w1, xb);
                w += 64;
                a += left;
                b += left;
            }
        }
    }
    sums[0] = a0;
    sums[1] = a1;
    sums[2] = b0;
    sums[3] = b1;
}

/* Add the products of four rows with one window. */
REDS_ALWAYS_INLINE int32x4_t four_by_one(const reds_helium_rows *r, const int8_t *w, const int8_t *x)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    uint32_t whole = r->inputs / REDS_HELIUM_CHUNK, left = r->inputs % REDS_HELIUM_CHUNK;
    mve_pred16_t some = vctp8q(left);
    for (uint32_t line = r->lines; line > 0; line--, x += r->line) {
        for (uint32_t run = r->runs; run > 0; run--, x += r->run, w += r->gap) {
            for (uint32_t chunk = whole; chunk > 0; chunk--, x += 16, w += 64) {
                int8x16_t inputs = vldrbq_s8(x);
                s0 = vmladavaq_s8(s0, vldrbq_s8(w), inputs);
                s1 = vmladavaq_s8(s1, vldrbq_s8(w + 16), inputs);
                s2 = vmladavaq_s8(s2, vldrbq_s8(w + 32), inputs);
                s3 = vmladavaq_s8(s3, vldrbq_s8(w + 48), inputs);
            }
            if (left > 0) {
                int8x16_t inputs = vldrbq_z_s8(x, some);
                s0 = vmladavaq_s8(s0, vldrbq_s8(w), inputs);
                s1 = vmladavaq_s8(s1, vldrbq_s8(w + 16), inputs);
                s2 = vmladavaq_s8(s2, vldrbq_s8(w + 32), inputs);
                s3 = vmladavaq_s8(s3, vldrbq_s8(w + 48), inputs);
                w += 64;
                x += left;
            }
        }
    }
    return (int32x4_t){s0, s1, s2, s3};
}

/* Requantize and store the sums of four rows or fewer. */
REDS_ALWAYS_INLINE void finish(const reds_helium_rows *r, uint32_t row, int32x4_t sums, int8_t *out)
{
    int32x4_t half = vshrq_n_s32(vldrwq_s32(r->multiplier + row), 1);
    int32x4_t y = reds_helium_requantize(vaddq_s32(sums, vldrwq_s32(r->bias + row)), half, r->zero);
    vstrbq_p_s32(out + row, y, vctp32q(r->rows - row));
}

static void two_positions(const reds_helium_rows *r, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int8_t *w = r->weights;
    for (uint32_t row = 0; row < r->rows; row += 4, w += r->group) {
        int32_t first[4], second[4];
        two_by_two(r, w, a, b, first);
        two_by_two(r, w + 32, a, b, second);
        finish(r, row, (int32x4_t){first[0], first[1], second[0], second[1]}, out);
        finish(r, row, (int32x4_t){first[2], first[3], second[2], second[3]}, out + r->rows);
    }
}

static void one_position(const reds_helium_rows *r, const int8_t *x, int8_t *out)
{
    const int8_t *w = r->weights;
    for (uint32_t row = 0; row < r->rows; row += 4, w += r->group) {
        finish(r, row, four_by_one(r, w, x), out);
    }
}

void reds_helium_multiply(const reds_helium_rows *rows)
{
    const reds_helium_rows r = *rows; /* a copy, which no output can overlap */
    const int8_t *row = r.x, *first = NULL;
    int8_t *out = r.out;
    for (uint32_t left = r.positions; left > 0; row += r.row) {
        const int8_t *x = row;
        for (uint32_t column = r.width; column > 0; column--, left--, x += r.step) {
            if (first == NULL && left > 1) {
                first = x;
                continue;
            }
            if (first != NULL) {
                two_positions(&r, first, x, out);
                out += 2 * r.rows;
            } else {
                one_position(&r, x, out);
            }
            first = NULL;
        }
    }
}

#endif
