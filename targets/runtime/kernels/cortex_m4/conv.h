/* Convolutions for the Cortex-M4: how their inputs are brought to the kernels, and the three kernels.
 *
 * Lines. A window reads `lines`: one pointer for each of its rows. Lines are the input itself, or copies in the
 * scratch if the layer has padding or its units fill no words: with the padding, and with zeros after the units of a
 * position, so that they fill words, or as many units as the full net if those are fewer than four ("flat"). Each line
 * of the input is copied once. Kernels with weights at rest may instead read windows whose units lie without gaps
 * ("tight"), or three rows of nine bytes with the ninth bytes in the end ("nines"). Weights are brought into that order.
 *
 * Pairs (pairs.S). The inputs of two windows are expanded to halfwords (cortex_m4.h), which fill the FPU's registers
 * eight words of four inputs at a time. The weights of four rows are read once for both positions. Where one chunk of
 * eight words ends, the sums of all rows wait in the scratch. Groups of rows pass from the last to the first, because
 * the last one may write up to three bytes that the first one writes again, at the next position.
 *
 * Stationary (stationary.S up to 32 inputs, chunks.S for more where weights are few). Inputs stay bytes. The weights of
 * four rows stay in the FPU's registers while positions pass, and are read from the pack once. A halfword holds the
 * weights of two rows, 256*a + b:
 *
 *     SMLAD(halfwords, x) = 256 * sum(a*x) + sum(b*x),  SMLAD(low bytes of halfwords, x) = sum(b*x).
 *
 * Their difference is 256 times the first row's sum, whose multiplier is a 256th of that of the second row.
 *
 * One position alone goes to the kernel of dense layers: a last odd one, each of a layer with plain rows, and each on a
 * processor without FPU. Both other kernels narrow to 16 bits before they clamp: the packer marks rows as plain
 * whose outputs might exceed them. */
#ifndef REDS_CORTEX_M4_CONV_H
#define REDS_CORTEX_M4_CONV_H

#include "cortex_m4.h"

/* What reds_m4_expand and reds_m4_gather do for each row of a window, which is one run of bytes or several. */
typedef struct {
    const int8_t *const *lines;
    uint32_t rows;
    uint32_t runs;      /* of a row */
    uint32_t run_step;  /* bytes in the line from one run to the next */
    uint32_t x_step;    /* expand: bytes in x from one run to the next */
    uint32_t words;     /* expand: of a run */
    uint32_t word_step; /* expand: bytes in x from one word to the next */
    uint32_t bytes;     /* gather: of a run */
    uint32_t copies;    /* gather: words of a run, the last one whole */
    uint32_t step;      /* gather: bytes in the line from one window to the next */
    uint32_t window;    /* gather: bytes from one gathered window to the next */
} reds_m4_walk;

/* Expand a window that begins at a column of its lines, in bytes: any, or one of three columns for a pair. */
void reds_m4_expand_taps(const reds_m4_walk *walk, uint32_t column, uint32_t *x);
void reds_m4_expand_three(const reds_m4_walk *walk, uint32_t column, uint32_t *x);

/* Expand two windows of whole words that lie one after the other. */
void reds_m4_expand_pair(const int8_t *in, uint32_t *x, uint32_t quads);

/* Expand two neighboring windows whose rows are runs of whole words. */
void reds_m4_expand_flat_pair(const reds_m4_walk *walk, uint32_t column, uint32_t *x);

/* Copy windows one after the other. */
void reds_m4_gather(const reds_m4_walk *walk, uint32_t column, int8_t *to, uint32_t positions);

/* The same for windows of three rows of nine bytes: eight of each row, then the last byte of the three. */
void reds_m4_gather_nines(const reds_m4_walk *walk, uint32_t column, int8_t *to, uint32_t positions);

/* Copy positions, each to whole words. Reads up to three bytes past the last one. */
void reds_m4_spread(int8_t *to, const int8_t *from, uint32_t positions, uint32_t units);

/* Bring words of four rows, `step` bytes apart, to the order of weights at rest. */
void reds_m4_mix(const uint32_t *words, uint32_t *to, uint32_t quads, uint32_t step);

void reds_m4_fill(int8_t *to, int32_t value, uint32_t bytes);

/* Two positions times all rows, more than eight words of inputs each. Groups of four rows pass from the last to the
 * first. Each has a record: 256 * bias of its rows, room for eight sums, multipliers / 256, and zero point + 127. */
typedef struct {
    int32_t skip;               /* bytes from the end of eight words of a group to the group before */
    const int32_t *records_end; /* behind the first group's */
    int32_t *next;              /* the last group's record */
    int8_t *out;                /* of the last group */
    uint32_t ones;              /* 0x01010101 */
    uint32_t apart;             /* bytes from one position's output to the next, and 4 */
    uint32_t last_words;        /* of the last chunk, less 1 */
    const uint32_t *x;       /* for each word of four inputs its halves, then those of the second position */
    uint32_t chunks;         /* of eight words, without the first one */
    const uint32_t *weights; /* of the last group */
    int32_t last_skip;       /* as skip, after the last chunk */
    int32_t *records;
} reds_m4_pair_rows;

enum { REDS_M4_RECORD = 17 }; /* words */

void reds_m4_pair(const reds_m4_pair_rows *rows);

/* Four rows times all positions, an even number. */
typedef struct {
    const uint32_t *stream; /* biases, words of weights, multipliers */
    const int8_t *in, *end; /* windows of n words each */
    int8_t *out;
    uint32_t apart; /* bytes from one position's output to the next */
    int32_t zero;
} reds_m4_stationary_rows;

void reds_m4_stationary_1(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_2(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_3(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_4(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_5(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_6(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_7(const reds_m4_stationary_rows *rows);
void reds_m4_stationary_8(const reds_m4_stationary_rows *rows);

/* The same for two rows, the others of which the subnet lacks. */
void reds_m4_half_1(const reds_m4_stationary_rows *rows);
void reds_m4_half_2(const reds_m4_stationary_rows *rows);
void reds_m4_half_3(const reds_m4_stationary_rows *rows);
void reds_m4_half_4(const reds_m4_stationary_rows *rows);
void reds_m4_half_5(const reds_m4_stationary_rows *rows);
void reds_m4_half_6(const reds_m4_stationary_rows *rows);
void reds_m4_half_7(const reds_m4_stationary_rows *rows);
void reds_m4_half_8(const reds_m4_stationary_rows *rows);

/* A chunk of eight words of inputs, or in the end fewer, times four rows at all positions, an even number. */
typedef struct {
    const uint32_t
        *stream; /* words of weights; the biases before the first, the multipliers after the last ones */
    const int8_t *in;
    int32_t *sums; /* eight for two positions */
    uint32_t step; /* bytes of the windows of two positions, which lie word by word in turns */
    const int8_t *end;
    uint32_t words; /* of the last chunk, which writes the outputs */
    int8_t *out;
    uint32_t apart; /* bytes from one position's output to the next */
    int32_t zero;
} reds_m4_chunk;

void reds_m4_first_chunk(const reds_m4_chunk *chunk);
void reds_m4_next_chunk(const reds_m4_chunk *chunk);
void reds_m4_last_chunk(const reds_m4_chunk *chunk);
void reds_m4_first_half(const reds_m4_chunk *chunk);
void reds_m4_next_half(const reds_m4_chunk *chunk);
void reds_m4_last_half(const reds_m4_chunk *chunk);

/* Copy a window of whole words to every other word. */
void reds_m4_gather_words(const reds_m4_walk *walk, uint32_t column, int8_t *to);

enum { REDS_M4_FEW = 100 };          /* groups of rows times words of inputs: the most for chunks.S */
enum { REDS_M4_FEW_TIGHT = 160 };    /* the same for tight windows */
enum { REDS_M4_BLOCK_BYTES = 4608 }; /* of windows for it */
/* Windows that are gathered for the stationary kernel: in the scratch, or in what is free of the arena. */
enum { REDS_M4_LEAST_BLOCK = 8, REDS_M4_BLOCK = 64 };

/* The sizes of a convolution in one subnet. */
typedef struct {
    uint32_t taps;
    bool flat;           /* windows of fewer than four units: weights are cut into words across positions */
    bool tight;          /* windows of units that fill no words, one after the other without gaps */
    bool nines;          /* flat windows of three rows of nine bytes */
    bool copied;         /* lines are copied to the scratch */
    bool direct;         /* the tensor is its windows, one after the other */
    bool stationary;     /* the kernel for few inputs may run it */
    bool chunked;        /* the kernel for few weights may run it, if the arena has room for its buffers */
    uint32_t block;      /* windows that are gathered for it at a time */
    uint32_t pitch;      /* bytes of a position in a line */
    uint32_t quads;      /* words of four inputs */
    uint32_t full_quads; /* of the full net */
    uint32_t groups;     /* of four rows, in the full net */
    uint32_t slots;      /* lines that are copied at the same time */
    uint32_t line_bytes;
} reds_m4_conv;

/* Return the bytes of chunks.S's buffers: weights of all groups, windows and sums of a block, a window. */
static inline uint32_t reds_m4_chunks_bytes(const reds_m4_conv *conv, uint32_t groups)
{
    return (16 * conv->quads + 32) * groups + (4 * conv->quads + 16) * conv->block + 4 * conv->quads + 4;
}

reds_m4_conv reds_m4_conv_of(const reds_layer *layer, const reds_tensor *from, uint32_t units_in, bool tight);

/* Return whether the windows of a layer may be tight: if that spares an eighth of their words. */
bool reds_m4_conv_tight(const reds_layer *layer, const reds_tensor *from, uint32_t units_in);

/* Return the words of four inputs in a row of the full net. */
uint32_t reds_m4_conv_quads(const reds_layer *layer, const reds_tensor *from);

uint32_t reds_m4_conv_scratch(const reds_layer *layer, const reds_tensor *from, uint32_t units_in);

/* The input of a convolution that runs, and the scratch behind its lines. */
typedef struct {
    const reds_op *op;
    reds_m4_conv conv;
    const int8_t **lines; /* of the present windows */
    int8_t *slots;
    int32_t next; /* the first line of the input that is not copied */
    void *rest;
} reds_m4_input;

reds_m4_input reds_m4_input_of(const reds_op *op, bool tight);

/* Set the lines of the windows of one row of the output. Rows come in order. */
void reds_m4_set_lines(reds_m4_input *input, uint32_t y);

/* Return the positions of a row of the output: all where the tensor is its windows. */
static inline uint32_t reds_m4_columns(const reds_m4_input *input)
{
    const reds_tensor *to = input->op->to;
    return input->conv.direct ? (uint32_t)to->height * to->width : to->width;
}

/* Return how windows are gathered. */
reds_m4_walk reds_m4_gathering(const reds_m4_input *input);

static inline uint32_t reds_m4_column(const reds_m4_input *input, uint32_t x)
{
    return x * input->op->layer->stride[1] * input->conv.pitch;
}

/* Return 256 * bias and multiplier / 256 of a row. */
static inline int32_t reds_m4_bias(const reds_m4_table *table, uint32_t row)
{
    return (int16_t)table->rows[row] * (1 << table->bias_shift);
}

static inline int32_t reds_m4_multiplier(const reds_m4_table *table, uint32_t row)
{
    return (int32_t)(table->rows[row] & 0xffff0000) >> table->shift;
}

/* Return whether the last word of a window at the end of the tensor reaches past it, if `positions` end there. */
static inline bool reds_m4_reaches_past(const reds_m4_input *input, const reds_m4_walk *walk,
                                        uint32_t positions)
{
    const reds_tensor *to = input->op->to;
    return !input->conv.copied && walk->bytes % 4 != 0 && positions == (uint32_t)to->height * to->width;
}

/* Return whether a subnet has at most two of the four rows of a group. */
static inline bool reds_m4_is_half(const reds_op *op, uint32_t group)
{
    return op->units_out - 4 * group <= 2;
}

/* Return how many of the last positions have a last word that reaches past the tensor. */
static inline uint32_t reds_m4_overhanging(const reds_op *op)
{
    return op->units_out % 4 == 0 ? 0 : op->units_out == 1 ? 3 : 1;
}

/* Return how many of `count` positions from `first` on go through a buffer, at most four: the last ones that overhang,
 * such that an even number is left. */
static inline uint32_t reds_m4_last_positions(const reds_op *op, uint32_t first, uint32_t count)
{
    uint32_t end = first + count + reds_m4_overhanging(op),
             positions = (uint32_t)op->to->height * op->to->width;
    uint32_t over = end > positions ? end - positions : 0;
    over = over < count ? over : count;
    return over + (count - over) % 2;
}

/* Copy the outputs of the last positions from the buffer: just the rows of a group that there are. */
void reds_m4_keep(const reds_m4_input *input, const int8_t *outputs, int8_t *out, uint32_t group,
                  uint32_t positions);

/* Write the stream of a group: biases, weights in the order of a window's bytes, multipliers. `room` holds 16 bytes
 * for each word of a window. */
void reds_m4_arrange(const reds_m4_input *input, uint32_t group, uint32_t *stream, uint32_t *room);

/* Write a word for each input, with a byte of each of four rows, from words `step` bytes apart; and bring such words to
 * the order of weights at rest. */
void reds_m4_unpack(const uint32_t *words, uint32_t *to, uint32_t quads, uint32_t step);
void reds_m4_pack(const uint32_t *inputs, uint32_t *to, uint32_t quads);

void reds_m4_conv_stationary(reds_m4_input *input);
void reds_m4_conv_chunks(reds_m4_input *input);
void reds_m4_conv_pairs(reds_m4_input *input, const uint32_t *weights);

#endif
