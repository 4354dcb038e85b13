/* Convolution of more than 32 inputs but few weights for the Cortex-M4: chunks of weights rest in the FPU. conv.h
 * explains the kernel. */
#include "conv.h"

#include <string.h>

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)

/* The kernel: of four rows, or of two. */
typedef struct {
    void (*first)(const reds_m4_chunk *chunk);
    void (*next)(const reds_m4_chunk *chunk);
    void (*last)(const reds_m4_chunk *chunk);
} kernel;

static const kernel whole = {reds_m4_first_chunk, reds_m4_next_chunk, reds_m4_last_chunk};
static const kernel half = {reds_m4_first_half, reds_m4_next_half, reds_m4_last_half};

/* Buffers in what is free of the arena. */
typedef struct {
    uint32_t *streams;
    int8_t *windows; /* those of two positions word by word in turns */
    int32_t *sums;
    int8_t *window; /* one, without gaps between its words */
    uint32_t block; /* windows */
} buffers;

static buffers buffers_of(const reds_m4_input *input)
{
    const reds_m4_conv *conv = &input->conv;
    buffers b = {.streams = input->rest, .block = conv->block};
    b.windows = (int8_t *)(b.streams + conv->groups * (4 * conv->quads + 8));
    b.sums = (int32_t *)(b.windows + b.block * 4 * conv->quads);
    b.window = (int8_t *)(b.sums + 4 * b.block);
    return b;
}

/* Gather windows from position `first` on. Words of the last position of a tensor may reach past it. */
static void gather(reds_m4_input *input, const reds_m4_walk *walk, uint32_t first, uint32_t count,
                   const buffers *b)
{
    uint32_t columns = reds_m4_columns(input), y = first / columns, x = first % columns;
    bool exact = reds_m4_reaches_past(input, walk, first + count);
    int8_t *to = b->windows;
    const int8_t *window = b->window;
    const reds_m4_walk one = {.lines = &window, .rows = 1, .runs = 1, .copies = input->conv.quads};
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || x == 0) {
            reds_m4_set_lines(input, y);
        }
        uint32_t column = reds_m4_column(input, x);
        if (input->conv.tight) {
            reds_m4_gather(walk, column, b->window, 1);
            reds_m4_gather_words(&one, 0, to);
        } else if (exact && i + 1 == count) {
            memcpy(b->window, walk->lines[0] + column, walk->bytes);
            reds_m4_gather_words(&one, 0, to);
        } else {
            reds_m4_gather_words(walk, column, to);
        }
        to += i % 2 == 0 ? 4 : 8 * input->conv.quads - 4;
        if (++x == columns) {
            x = 0;
            y++;
        }
    }
}

/* Compute four rows at so many positions; the outputs of the last `end` ones go through a buffer. */
static void four_rows(const reds_m4_input *input, const buffers *b, uint32_t group, int8_t *out,
                      uint32_t positions, uint32_t end)
{
    uint32_t quads = input->conv.quads, units = input->op->units_out, even = positions - end;
    uint32_t pairs = (positions + 1) / 2, chunks = (quads + 7) / 8;
    const kernel *run = reds_m4_is_half(input->op, group) ? &half : &whole;
    const int8_t *in = b->windows;
    reds_m4_chunk chunk = {
        .stream = b->streams + group * (4 * quads + 8),
        .in = in,
        .sums = b->sums,
        .step = 8 * quads,
        .end = in + pairs * 8 * quads,
    };
    run->first(&chunk);
    chunk.stream += 4;
    for (uint32_t i = 1; i < chunks; i++) {
        chunk.stream += 32;
        chunk.in += 64;
        chunk.end += 64;
        if (i + 1 < chunks) {
            run->next(&chunk);
        }
    }
    chunk.words = quads - 8 * (chunks - 1);
    chunk.out = out + 4 * group;
    chunk.apart = units;
    chunk.zero = input->op->zero;
    if (even != 0) {
        chunk.end = chunk.in + even * 4 * quads;
        run->last(&chunk);
    }
    if (end != 0) {
        int8_t outputs[16];
        chunk.in += even * 4 * quads;
        chunk.end = chunk.in + (end + 1) / 2 * 8 * quads;
        chunk.sums += even * 4;
        chunk.out = outputs;
        chunk.apart = 4;
        run->last(&chunk);
        reds_m4_keep(input, outputs, out + even * units, group, end);
    }
}

void reds_m4_conv_chunks(reds_m4_input *input)
{
    const reds_op *op = input->op;
    uint32_t positions = (uint32_t)op->to->height * op->to->width, groups = (op->units_out + 3) / 4;
    buffers b = buffers_of(input);
    reds_m4_walk walk = reds_m4_gathering(input);
    for (uint32_t g = 0; g < groups; g++) {
        reds_m4_arrange(input, g, b.streams + g * (4 * input->conv.quads + 8), (uint32_t *)(void *)b.windows);
    }
    for (uint32_t first = 0; first < positions; first += b.block) {
        uint32_t count = positions - first < b.block ? positions - first : b.block;
        uint32_t end = reds_m4_last_positions(op, first, count);
        gather(input, &walk, first, count, &b);
        for (uint32_t g = groups; g-- > 0;) {
            four_rows(input, &b, g, op->out + first * op->units_out, count, end);
        }
    }
}

#endif
