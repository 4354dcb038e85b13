/* Convolution for the Cortex-M4, two positions at a time or one. conv.h explains both kernels. */
#include "conv.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

/* How windows are expanded, and the tables. */
typedef struct {
    reds_m4_input *input;
    const uint32_t *weights;
    reds_m4_walk walk;
    void (*words)(const int8_t *in, uint32_t *x, uint32_t quads);
    void (*taps)(const reds_m4_walk *walk, uint32_t column, uint32_t *x);
    uint32_t spacing; /* words in x from the halves of four inputs to the next */
    uint32_t *x;
    int32_t *records;
    int8_t *last;   /* an output whose last word reaches past the tensor */
    int8_t *window; /* a flat window */
    uint32_t columns;
    uint32_t x_at, y_at; /* of the next position */
} work;

static work work_of(reds_m4_input *input)
{
    const reds_m4_conv *conv = &input->conv;
    work w = {.input = input, .x = input->rest, .columns = reds_m4_columns(input)};
    w.records = (int32_t *)(w.x + 4 * conv->quads);
    w.last = (int8_t *)(w.records + REDS_M4_RECORD * conv->groups);
    w.window = w.last + 4 * conv->groups;
    w.walk = reds_m4_gathering(input);
    return w;
}

/* Set how windows are expanded: one, or two side by side. */
static void set_positions(work *w, uint32_t positions)
{
    uint32_t columns = w->input->op->layer->kernel[1];
    w->spacing = 2 * positions;
    w->words = positions == 1 ? reds_m4_expand_8 : reds_m4_expand_16;
    w->taps = positions == 2 && columns == 3 ? reds_m4_expand_three : reds_m4_expand_taps;
    if (!w->input->conv.flat) {
        w->walk.runs = columns;
        w->walk.words = w->input->conv.pitch / 4;
        w->walk.word_step = 4 * w->spacing * w->input->conv.taps;
        w->walk.x_step = 4 * w->spacing;
    }
}

/* Expand the only position of a window. */
static void expand_position(const work *w, const int8_t *in, uint32_t *x)
{
    uint32_t words = w->input->op->units_in / 4, rest = w->input->op->units_in % 4, lanes = 0;
    if (words != 0) {
        w->words(in, x, words);
    }
    if (rest != 0) {
        memcpy(&lanes, in + 4 * words, rest);
        w->words((const int8_t *)&lanes, x + words * w->spacing, 1);
    }
}

static void advance(work *w, uint32_t positions)
{
    w->x_at += positions;
    if (w->x_at == w->columns) {
        w->x_at = 0;
        w->y_at++;
    }
}

/* Expand the window of the next position. */
static void expand_next(work *w, uint32_t *x)
{
    const reds_m4_conv *conv = &w->input->conv;
    if (w->x_at == 0) {
        reds_m4_set_lines(w->input, w->y_at);
    }
    uint32_t column = reds_m4_column(w->input, w->x_at);
    if (conv->flat) {
        reds_m4_gather(&w->walk, column, w->window, 1);
        w->words(w->window, x, conv->quads);
    } else if (conv->taps == 1) {
        expand_position(w, w->walk.lines[0] + column, x);
    } else {
        w->taps(&w->walk, column, x);
    }
    advance(w, 1);
}

/* Compute the groups marked plain at one position: the fast kernel's sums may have overflown. */
static void plain_rows(const work *w, int8_t *out)
{
    const reds_op *op = w->input->op;
    const reds_m4_conv *conv = &w->input->conv;
    for (uint32_t row = 0; row < op->units_out; row++) {
        if (op->plain[row / 4] != 0) {
            const uint32_t *weights = w->weights + (size_t)(row / 4) * 4 * conv->full_quads + row % 4;
            int32_t sum = reds_m4_plain_sum(weights, 4, w->x, 2, conv->quads);
            out[row] = reds_m4_plain(op->table, row, sum, op->zero);
        }
    }
}

/* Compute the positions from `first` on one by one. */
static void singles(work *w, uint32_t first, uint32_t positions)
{
    const reds_op *op = w->input->op;
    const reds_m4_conv *conv = &w->input->conv;
    reds_m4_rows all = reds_m4_rows_of(op, w->x, conv->quads, conv->full_quads);
    all.weights = w->weights;
    set_positions(w, 1);
    for (uint32_t position = first; position < positions; position++) {
        int8_t *out = op->out + position * op->units_out;
        bool past = position + reds_m4_overhanging(op) >= positions;
        reds_m4_rows rows = all;
        rows.out = past ? w->last : out;
        expand_next(w, w->x);
        reds_m4_dense(&rows);
        if (past) {
            memcpy(out, w->last, op->units_out);
        }
        if (op->plain != NULL) {
            plain_rows(w, out);
        }
    }
}

#ifdef __ARM_FP

/* Expand the windows of the next two positions. */
static void expand_next_pair(work *w)
{
    bool words = w->input->conv.flat && w->walk.runs == 1 && w->walk.bytes % 4 == 0;
    if (!words || w->x_at + 1 >= w->columns) {
        expand_next(w, w->x);
        expand_next(w, w->x + 2);
        return;
    }
    if (w->x_at == 0) {
        reds_m4_set_lines(w->input, w->y_at);
    }
    reds_m4_expand_flat_pair(&w->walk, reds_m4_column(w->input, w->x_at), w->x);
    advance(w, 2);
}

/* Write the records of the groups, from the last to the first. */
static void write_records(const work *w, uint32_t groups)
{
    const reds_op *op = w->input->op;
    int32_t *record = w->records;
    for (uint32_t g = groups; g-- > 0; record += REDS_M4_RECORD) {
        for (uint32_t r = 0; r < 4; r++) {
            record[r] = reds_m4_bias(op->table, 4 * g + r);
            record[r + 12] = reds_m4_multiplier(op->table, 4 * g + r);
        }
        record[16] = op->zero + 127;
    }
}

static void pairs(work *w, uint32_t count)
{
    const reds_op *op = w->input->op;
    const reds_m4_conv *conv = &w->input->conv;
    uint32_t groups = (op->units_out + 3) / 4, last = (conv->quads - 1) % 8;
    int32_t row = (int32_t)(16 * conv->full_quads);
    reds_m4_pair_rows rows = {
        .skip = -row - 128,
        .records_end = w->records + REDS_M4_RECORD * groups,
        .next = w->records,
        .out = op->out + 4 * (groups - 1),
        .ones = 0x01010101,
        .apart = op->units_out + 4,
        .last_words = last,
        .x = w->x,
        .chunks = (conv->quads - 1) / 8,
        .weights = w->weights + (size_t)(groups - 1) * 4 * conv->full_quads,
        .last_skip = -row - 16 * (int32_t)(last + 1),
        .records = w->records,
    };
    bool direct = conv->direct && op->units_in % 4 == 0;
    const int8_t *in = op->in;
    write_records(w, groups);
    set_positions(w, 2);
    for (uint32_t pair = 0; pair < count; pair++, rows.out += 2 * op->units_out) {
        if (direct) {
            reds_m4_expand_pair(in, w->x, conv->quads);
            in += 2 * op->units_in;
        } else {
            expand_next_pair(w);
        }
        reds_m4_pair(&rows);
    }
    if (direct) { /* a last odd position finds its line */
        reds_m4_set_lines(w->input, 0);
        w->x_at = 2 * count;
    }
}

#endif

void reds_m4_conv_pairs(reds_m4_input *input, const uint32_t *weights)
{
    const reds_op *op = input->op;
    work w = work_of(input);
    w.weights = weights;
    uint32_t positions = (uint32_t)op->to->height * op->to->width, paired = 0;
#ifdef __ARM_FP
    if (op->plain == NULL &&
        input->conv.quads > 8) { /* the last word of a pair must not reach past the tensor */
        paired = positions < reds_m4_overhanging(op) ? 0 : (positions - reds_m4_overhanging(op)) / 2;
        if (paired != 0) {
            pairs(&w, paired);
        }
    }
#endif
    singles(&w, 2 * paired, positions);
}

#endif
