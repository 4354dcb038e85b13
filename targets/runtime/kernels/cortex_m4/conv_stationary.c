/* Convolution of up to 32 inputs for the Cortex-M4, weights resting in the FPU. conv.h explains the kernel. */
#include "conv.h"

#include <string.h>

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)

static void (*const kernels[2][8])(const reds_m4_stationary_rows *) = {
    {reds_m4_stationary_1, reds_m4_stationary_2, reds_m4_stationary_3, reds_m4_stationary_4,
     reds_m4_stationary_5, reds_m4_stationary_6, reds_m4_stationary_7, reds_m4_stationary_8},
    {reds_m4_half_1, reds_m4_half_2, reds_m4_half_3, reds_m4_half_4, reds_m4_half_5, reds_m4_half_6,
     reds_m4_half_7, reds_m4_half_8},
};

/* Drop the weights of a word that lie beyond the units of a subnet: those of inputs 1 to 3, 2 and 3, or 3. */
static void drop(uint32_t *words, uint32_t live)
{
    for (uint32_t row = 0; row < 2; row++) {
        words[row] &= live < 3 ? 0xffff : 0xffffffff;
        words[row + 2] &= live < 2 ? 0 : 0xffff;
    }
}

/* Write the weights of a group for tight windows. Words of a position are unpacked as whole ones: what is too much gives
 * way to the next position, or to zeros in the end. */
static void arrange_tight(const reds_m4_input *input, const uint32_t *weights, uint32_t *to, uint32_t *room)
{
    const reds_m4_conv *conv = &input->conv;
    uint32_t units = input->op->units_in;
    for (uint32_t tap = 0; tap < conv->taps; tap++) {
        reds_m4_unpack(weights + 4 * tap, room + tap * units, (units + 3) / 4, 16 * conv->taps);
    }
    for (uint32_t i = conv->taps * units; i < 4 * conv->quads; i++) {
        room[i] = 0;
    }
    reds_m4_pack(room, to, conv->quads);
}

/* Write the weights of a group for windows of three rows of nine bytes. */
static void arrange_nines(const uint32_t *weights, uint32_t *to, uint32_t *room)
{
    reds_m4_unpack(weights, room, 7, 16);
    uint32_t first = room[8], second = room[17];
    for (uint32_t i = 8; i < 24; i++) {
        room[i] = room[i < 16 ? i + 1 : i + 2];
    }
    room[24] = first;
    room[25] = second;
    reds_m4_pack(room, to, 7);
}

void reds_m4_arrange(const reds_m4_input *input, uint32_t group, uint32_t *stream, uint32_t *room)
{
    const reds_op *op = input->op;
    const reds_m4_conv *conv = &input->conv;
    const reds_m4_table *table = op->table;
    const uint32_t *weights = (const uint32_t *)op->weights + (size_t)group * 4 * conv->full_quads;
    uint32_t *multipliers = stream + 4 + 4 * conv->quads;
    for (uint32_t r = 0; r < 4; r += 2) {
        uint32_t row = 4 * group + r;
        int32_t bias = reds_m4_bias(table, row + 1) / 256;
        stream[r] = (uint32_t)reds_m4_bias(table, row) + (uint32_t)bias;
        stream[r + 1] = (uint32_t)bias;
        multipliers[r] = (uint32_t)reds_m4_multiplier(table, row);
        multipliers[r + 1] = (uint32_t)reds_m4_multiplier(table, row + 1) * 256;
    }
    stream += 4;
    if (conv->tight) {
        arrange_tight(input, weights, stream, room);
    } else if (conv->nines) {
        arrange_nines(weights, stream, room);
    } else if (conv->flat || conv->taps == 1) {
        reds_m4_mix(weights, stream, conv->quads, 16);
    } else {
        uint32_t across = conv->quads / conv->taps; /* words of a position */
        for (uint32_t tap = 0; tap < conv->taps; tap++) {
            reds_m4_mix(weights + 4 * tap, stream + 4 * tap * across, across, 16 * conv->taps);
        }
    }
    if (conv->taps == 1 && op->units_in % 4 != 0) {
        drop(multipliers - 4, op->units_in % 4);
    }
}

void reds_m4_keep(const reds_m4_input *input, const int8_t *outputs, int8_t *out, uint32_t group,
                  uint32_t positions)
{
    uint32_t units = input->op->units_out, live = units - 4 * group < 4 ? units - 4 * group : 4;
    for (uint32_t p = 0; p < positions; p++) {
        memcpy(out + p * units + 4 * group, outputs + 4 * p, live);
    }
}

/* The last positions of the tensor, whose outputs go through a buffer: their last word may reach past it. */
typedef struct {
    uint32_t positions;
    int8_t *windows; /* room for four, if the memory behind the windows cannot be read; or NULL */
} tail;

/* Compute four rows at so many positions, `end` included. */
static void four_rows(const reds_m4_input *input, const uint32_t *stream, uint32_t group, const int8_t *in,
                      int8_t *out, uint32_t positions, tail end)
{
    uint32_t window = 4 * input->conv.quads, units = input->op->units_out, even = positions - end.positions;
    bool half = reds_m4_is_half(input->op, group);
    reds_m4_stationary_rows rows = {
        .stream = stream,
        .in = in,
        .end = in + even * window,
        .out = out + 4 * group,
        .apart = units,
        .zero = input->op->zero,
    };
    if (even != 0) {
        kernels[half][input->conv.quads - 1](&rows);
    }
    if (end.positions != 0) {
        int8_t outputs[16];
        rows.in = rows.end;
        if (end.windows != NULL) {
            reds_m4_copy(end.windows, rows.in, end.positions * window);
            rows.in = end.windows;
        }
        rows.end = rows.in + (end.positions + 1) / 2 * 2 * window;
        rows.out = outputs;
        rows.apart = 4;
        kernels[half][input->conv.quads - 1](&rows);
        reds_m4_keep(input, outputs, out + even * units, group, end.positions);
    }
}

/* Gather windows from position `first` on. Words of the last position of a tensor may reach past it. */
static void gather(reds_m4_input *input, const reds_m4_walk *walk, uint32_t first, uint32_t count, int8_t *to)
{
    uint32_t columns = reds_m4_columns(input), y = first / columns, x = first % columns;
    bool exact = reds_m4_reaches_past(input, walk, first + count);
    count -= exact ? 1 : 0;
    while (count != 0) {
        uint32_t run = columns - x < count ? columns - x : count;
        reds_m4_set_lines(input, y);
        (input->conv.nines ? reds_m4_gather_nines : reds_m4_gather)(walk, reds_m4_column(input, x), to, run);
        to += run * walk->window;
        count -= run;
        y += x + run == columns ? 1 : 0;
        x = x + run == columns ? 0 : x + run;
    }
    if (exact) {
        reds_m4_set_lines(input, y);
        memcpy(to, walk->lines[0] + reds_m4_column(input, x), walk->bytes);
    }
}

void reds_m4_conv_stationary(reds_m4_input *input)
{
    const reds_op *op = input->op;
    const reds_m4_conv *conv = &input->conv;
    uint32_t positions = (uint32_t)op->to->height * op->to->width, groups = (op->units_out + 3) / 4;
    uint32_t *streams = input->rest, size = 4 * conv->quads + 8;
    bool in_place = conv->direct && op->units_in % 4 == 0;
    int8_t *windows = (int8_t *)(streams + size * (in_place ? 1 : groups));
    if (in_place) {
        const tail end = {reds_m4_last_positions(op, 0, positions), windows};
        for (uint32_t g = groups; g-- > 0;) {
            reds_m4_arrange(input, g, streams, NULL);
            four_rows(input, streams, g, op->in, op->out, positions, end);
        }
        return;
    }
    int8_t *more = reds_spare(op, 4 * conv->quads * REDS_M4_BLOCK + 4);
    uint32_t block = more == NULL ? REDS_M4_LEAST_BLOCK : REDS_M4_BLOCK;
    windows = more == NULL ? windows : more;
    for (uint32_t g = 0; g < groups; g++) {
        reds_m4_arrange(input, g, streams + g * size, (uint32_t *)(void *)windows);
    }
    reds_m4_walk walk = reds_m4_gathering(input);
    for (uint32_t first = 0; first < positions; first += block) {
        uint32_t count = positions - first < block ? positions - first : block;
        gather(input, &walk, first, count, windows);
        const tail end = {reds_m4_last_positions(op, first, count), NULL};
        for (uint32_t g = groups; g-- > 0;) {
            four_rows(input, streams + g * size, g, windows, op->out + first * op->units_out, count, end);
        }
    }
}

#endif
