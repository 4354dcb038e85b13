/* Depthwise convolution for Helium, sixteen units at a time. helium.h explains layout and arithmetic.
 *
 * Products of two taps are added in halfwords, which are then added to words. VMULLB takes the even lanes and VMULLT
 * the odd ones, so do VMOVLB and VMOVLT: word k of a vector `lane[i]` belongs to unit 4 * k + i. Fewer units than a
 * vector has share it with the positions that follow, if they divide it: weights and table are repeated for that.
 * Scratch: the input with its padding, then those weights. */
#include "helium.h"

#ifdef REDS_HELIUM

/* What is the same for all vectors of a layer. */
typedef struct {
    const int8_t *x; /* the first window */
    int8_t *out;
    size_t column,
        down; /* bytes of x from a tap to the next one, and from the end of a kernel row to the next */
    size_t next_line, next;    /* bytes of x from a window to the one below and to the next one */
    size_t out_line, out_next; /* bytes of the output, likewise */
    uint32_t lines, vectors;   /* of the output, and of each of its lines */
    uint32_t rows, columns;    /* of the kernel */
    int32_t zero;
} plane;

/* Weights and table of sixteen units or fewer. */
typedef struct {
    const int8_t *weights;
    int32_t bias[16], half[16]; /* in the order of the lanes */
    mve_pred16_t live;
} lanes;

typedef struct {
    int32x4_t lane[4];
} sums;

/* Add the halfwords of even lanes in q2, and of odd ones in q0, to the sums. */
#define ADD                                                                           \
    "vmovlb.s16 q1, q2\n vadd.i32 %q[s0], %q[s0], q1\n vmovlt.s16 q1, q2\n"           \
    "vadd.i32 %q[s2], %q[s2], q1\n vmovlb.s16 q1, q0\n vadd.i32 %q[s1], %q[s1], q1\n" \
    "vmovlt.s16 q1, q0\n vadd.i32 %q[s3], %q[s3], q1\n"
#define FIRST_TAP                                                                \
    "vldrb.8 q0, [%[w]], #16\n vldrb.8 q1, [%[x]]\n add %[x], %[x], %[column]\n" \
    "vmullb.s8 q2, q0, q1\n vmullt.s8 q0, q0, q1\n"
#define SECOND_TAP                                                          \
    "vldrb.8 q1, [%[w]]\n vldrb.8 q3, [%[x]]\n add %[x], %[x], %[column]\n" \
    "vmullb.s8 q1, q1, q3\n vadd.i16 q2, q2, q1\n"                          \
    "vldrb.8 q1, [%[w]], #16\n vmullt.s8 q1, q1, q3\n vadd.i16 q0, q0, q1\n"

/* Add the products of a window: of two taps at a time, and of the last one of a kernel row by itself. */
REDS_ALWAYS_INLINE void add_up(const plane *p, const int8_t *w, const int8_t *x, sums *s)
{
    uint32_t row = p->rows, left;
    __asm volatile("1:\n subs %[left], %[columns], #2\n blo 3f\n"
                   "2:\n" FIRST_TAP SECOND_TAP ADD "subs %[left], %[left], #2\n bhs 2b\n"
                   "3:\n adds %[left], %[left], #1\n bne 4f\n" FIRST_TAP ADD
                   "4:\n add %[x], %[x], %[down]\n subs %[row], %[row], #1\n bne 1b\n"
                   : [w] "+r"(w), [x] "+r"(x), [row] "+r"(row), [left] "=&r"(left), [s0] "+w"(s->lane[0]),
                     [s1] "+w"(s->lane[1]), [s2] "+w"(s->lane[2]), [s3] "+w"(s->lane[3])
                   : [columns] "r"(p->columns), [column] "r"(p->column), [down] "r"(p->down)
                   : "q0", "q1", "q2", "q3", "cc", "memory");
}

REDS_ALWAYS_INLINE void finish(const sums *s, const lanes *l, int32_t zero, int8_t *out)
{
    int32x4_t y[4];
    for (uint32_t i = 0; i < 4; i++) {
        y[i] = vqrdmulhq_s32(s->lane[i], vldrwq_s32(l->half + 4 * i));
    }
    int16x8_t even = vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), y[0]), y[2]);
    int16x8_t odd = vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), y[1]), y[3]);
    even = vqaddq_n_s16(even, (int16_t)zero);
    odd = vqaddq_n_s16(odd, (int16_t)zero);
    int8x16_t all = vqmovntq_s16(vqmovnbq_s16(vuninitializedq_s8(), even), odd);
    vstrbq_p_s8(out, vmaxq_s8(all, vdupq_n_s8(-127)), l->live);
}

/* Compute the lanes of some positions of each line. */
static void run(const plane *p, const lanes *l, size_t at, uint32_t vectors)
{
    for (uint32_t y = 0; y < p->lines; y++) {
        const int8_t *x = p->x + at + y * p->next_line;
        int8_t *out = p->out + at + y * p->out_line;
        for (uint32_t i = vectors; i > 0; i--, x += p->next, out += p->out_next) {
            sums s = {{vldrwq_s32(l->bias), vldrwq_s32(l->bias + 4), vldrwq_s32(l->bias + 8),
                       vldrwq_s32(l->bias + 12)}};
            add_up(p, l->weights, x, &s);
            finish(&s, l, p->zero, out);
        }
    }
}

/* Bring the table of some units in the order of the lanes, repeated if they are shared. */
static void load_table(const reds_op *op, lanes *l, uint32_t first, uint32_t live, uint32_t repeat)
{
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t unit = i % 4 * 4 + i / 4, from = first + unit % repeat;
        bool used = unit < live;
        l->bias[i] = used ? reds_biases(op)[from] : 0;
        l->half[i] = used ? reds_multipliers(op)[from] >> 1 : 0;
    }
    l->live = vctp8q(live);
}

/* Compute all units of few, whose weights and table are repeated. */
static void run_shared(const reds_op *op, plane *p, lanes *l, int8_t *weights)
{
    uint32_t units = op->units_in, bytes = op->to->width * units;
    for (uint32_t t = 0; t < p->rows * p->columns; t++) {
        for (uint32_t i = 0; i < 16; i++) {
            weights[t * 16 + i] = l->weights[t * 16 + i % units];
        }
    }
    l->weights = weights;
    load_table(op, l, 0, 16, units);
    p->next = p->out_next = 16;
    run(p, l, 0, bytes / 16);
    if (bytes % 16 != 0) {
        run(p, l, bytes - 16, 1);
    }
}

void reds_helium_depthwise(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in;
    size_t line = ((size_t)op->from->width + layer->padding[1] + layer->padding[3]) * units;
    size_t copied = reds_helium_depthwise_copy(layer, op->from, units);
    plane p = {
        .x = copied > 0 ? op->scratch : op->in,
        .out = op->out,
        .column = (size_t)layer->dilation[1] * units,
        .down = layer->dilation[0] * line - (size_t)layer->kernel[1] * layer->dilation[1] * units,
        .next_line = layer->stride[0] * line,
        .next = (size_t)layer->stride[1] * units,
        .out_line = (size_t)op->to->width * units,
        .out_next = units,
        .lines = op->to->height,
        .vectors = op->to->width,
        .rows = layer->kernel[0],
        .columns = layer->kernel[1],
        .zero = op->zero,
    };
    lanes l = {.weights = op->weights};
    size_t taps = (size_t)layer->kernel[0] * layer->kernel[1];
    if (copied > 0) {
        reds_copy_input(op, units, op->zero_in);
    }
    if (reds_helium_shared(layer, op->from, units)) {
        run_shared(op, &p, &l, (int8_t *)op->scratch + copied);
        return;
    }
    for (uint32_t first = 0; first < units; first += 16, l.weights += 16 * taps) {
        load_table(op, &l, first, units - first < 16 ? units - first : 16, 16);
        run(&p, &l, first, p.vectors);
    }
}

#endif
