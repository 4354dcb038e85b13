/* Rows times positions by VMLADAV, two rows by two positions at a time, or four rows by one. helium.h explains the
 * layout. The loops over the inputs of a run are in assembler: they are tail-predicated, so that the last sixteen
 * inputs may be fewer. */
#include "helium.h"

#ifdef REDS_HELIUM

#if !defined(__clang__) && !defined(__OPTIMIZE__) /* its frame pointer would be one register too many */
#pragma GCC optimize("O1")
#endif

#define CLOBBERS "lr", "q0", "q1", "q2", "q3", "cc", "memory"

/* Add the products of two rows with two windows. `w` has the first of them. */
REDS_ALWAYS_INLINE void two_by_two(const reds_helium_rows *r, const int8_t *w, const int8_t *a,
                                   const int8_t *b, int32_t sums[4])
{
    int32_t a0 = 0, a1 = 0, b0 = 0, b1 = 0;
    for (uint32_t line = r->lines; line > 0; line--, a += r->line, b += r->line) {
        uint32_t run = r->runs;
        __asm volatile("1:\n dlstp.8 lr, %[inputs]\n"
                       "2:\n vldrb.8 q0, [%[w]], #16\n vldrb.8 q2, [%[a]], #16\n"
                       "vmladava.s8 %[a0], q0, q2\n vldrb.8 q3, [%[b]], #16\n"
                       "vmladava.s8 %[b0], q0, q3\n vldrb.8 q1, [%[w]], #48\n"
                       "vmladava.s8 %[a1], q1, q2\n vmladava.s8 %[b1], q1, q3\n"
                       "letp lr, 2b\n"
                       "add %[a], %[a], %[next]\n add %[b], %[b], %[next]\n add %[w], %[w], %[gap]\n"
                       "subs %[run], %[run], #1\n bne 1b\n"
                       : [w] "+r"(w), [a] "+r"(a), [b] "+r"(b), [run] "+r"(run), [a0] "+Te"(a0),
                         [a1] "+Te"(a1), [b0] "+Te"(b0), [b1] "+Te"(b1)
                       : [inputs] "r"(r->inputs), [next] "r"(r->run), [gap] "r"(r->gap)
                       : CLOBBERS);
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
    for (uint32_t line = r->lines; line > 0; line--, x += r->line) {
        uint32_t run = r->runs;
        __asm volatile("1:\n dlstp.8 lr, %[inputs]\n"
                       "2:\n vldrb.8 q0, [%[x]], #16\n vldrb.8 q1, [%[w]], #16\n"
                       "vmladava.s8 %[s0], q1, q0\n vldrb.8 q2, [%[w]], #16\n"
                       "vmladava.s8 %[s1], q2, q0\n vldrb.8 q1, [%[w]], #16\n"
                       "vmladava.s8 %[s2], q1, q0\n vldrb.8 q2, [%[w]], #16\n"
                       "vmladava.s8 %[s3], q2, q0\n"
                       "letp lr, 2b\n"
                       "add %[x], %[x], %[next]\n add %[w], %[w], %[gap]\n"
                       "subs %[run], %[run], #1\n bne 1b\n"
                       : [w] "+r"(w), [x] "+r"(x), [run] "+r"(run), [s0] "+Te"(s0), [s1] "+Te"(s1),
                         [s2] "+Te"(s2), [s3] "+Te"(s3)
                       : [inputs] "r"(r->inputs), [next] "r"(r->run), [gap] "r"(r->gap)
                       : CLOBBERS);
    }
    return (int32x4_t){s0, s1, s2, s3};
}

static void two_positions(const reds_helium_rows *r, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int8_t *w = r->weights;
    for (uint32_t row = 0; row < r->rows; row += 4, w += r->group, out += 4) {
        int32_t first[4], second[4];
        two_by_two(r, w, a, b, first);
        two_by_two(r, w + 32, a, b, second);
        int32x4_t bias = vldrwq_s32(r->bias + row), half = vshrq_n_s32(vldrwq_s32(r->multiplier + row), 1);
        int32x4_t ya = {first[0], first[1], second[0], second[1]},
                  yb = {first[2], first[3], second[2], second[3]};
        ya = reds_helium_requantize(vaddq_s32(ya, bias), half, r->zero);
        yb = reds_helium_requantize(vaddq_s32(yb, bias), half, r->zero);
        mve_pred16_t live = vctp32q(r->rows - row);
        vstrbq_p_s32(out, ya, live);
        vstrbq_p_s32(out + r->rows, yb, live);
    }
}

static void one_position(const reds_helium_rows *r, const int8_t *x, int8_t *out)
{
    const int8_t *w = r->weights;
    for (uint32_t row = 0; row < r->rows; row += 4, w += r->group, out += 4) {
        int32x4_t half = vshrq_n_s32(vldrwq_s32(r->multiplier + row), 1);
        int32x4_t y = vaddq_s32(four_by_one(r, w, x), vldrwq_s32(r->bias + row));
        vstrbq_p_s32(out, reds_helium_requantize(y, half, r->zero), vctp32q(r->rows - row));
    }
}

/* Gather the rows of a window in `to`, and return `to`; or return the window if it is read in place. */
static const int8_t *window(const reds_helium_rows *r, const int8_t *x, int8_t *to)
{
    if (r->gathered == 0) {
        return x;
    }
    int8_t *next = to;
    size_t past = (r->gathered + 15) / 16 * 16;
    for (uint32_t row = r->kernel_rows; row > 0; row--) {
        __asm volatile("dlstp.8 lr, %[bytes]\n"
                       "1:\n vldrb.8 q0, [%[x]], #16\n vstrb.8 q0, [%[to]], #16\n letp lr, 1b\n"
                       : [x] "+r"(x), [to] "+r"(next)
                       : [bytes] "r"(r->gathered)
                       : CLOBBERS);
        x += r->kernel_line - past;
        next += r->gathered - past;
    }
    return to;
}

void reds_helium_multiply(const reds_helium_rows *rows)
{
    const reds_helium_rows r = *rows; /* a copy, which no output can overlap */
    const int8_t *row = r.x, *first = NULL;
    int8_t *out = r.out, *second = r.windows + (r.inputs + 15) / 16 * 16;
    for (uint32_t left = r.positions; left > 0; row += r.row) {
        const int8_t *x = row;
        for (uint32_t column = r.width; column > 0; column--, left--, x += r.step) {
            if (first != NULL) {
                two_positions(&r, first, window(&r, x, second), out);
                out += 2 * r.rows;
                first = NULL;
            } else if (left > 1) {
                first = window(&r, x, r.windows);
            } else {
                one_position(&r, window(&r, x, r.windows), out);
            }
        }
    }
}

#endif
