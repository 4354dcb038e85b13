/* Convolution for the Cortex-M4: the choice of its kernel. conv.h explains them. */
#include "conv.h"

#ifdef __ARM_FEATURE_DSP

/* Fewest positions for which it pays to bring the weights into the FPU. */
enum { FEWEST = 8, FEWEST_OF_CHUNKS = 16 };

/* Fewest positions whose reads of a word of weights from flash wait longer than it takes to copy it: a pair of them
 * reads it once, by `with_waits` in hil/emulators/cycles.py. */
enum { FEWEST_OF_COPIES = 6 };

/* Return the words of weights that a subnet reads. */
static uint32_t words_of(const reds_op *op, const reds_m4_conv *conv)
{
    return (op->units_out + 3) / 4 * 4 * conv->full_quads;
}

/* Return the weights that a subnet reads: in flash, or copied to what is free of the arena. */
static const uint32_t *weights_of(const reds_op *op, const reds_m4_conv *conv, uint32_t positions)
{
    uint32_t words = words_of(op, conv);
    uint32_t *copy = positions < FEWEST_OF_COPIES ? NULL : reds_spare(op, 4 * words);
    if (copy == NULL) {
        return op->weights;
    }
    reds_m4_copy_words(copy, op->weights, words);
    return copy;
}

#ifdef __ARM_FP

/* Return whether pairs of positions are faster than few weights at rest: if the tensor is its windows, at least three
 * groups of rows read what was expanded, and the weights can be copied. */
static bool pairs_are_faster(const reds_op *op, const reds_m4_conv *conv)
{
    return conv->direct && op->units_in % 4 == 0 && op->units_out > 8 &&
           reds_spare(op, 4 * words_of(op, conv)) != NULL;
}

/* Return whether the full net or at least this subnet has few weights, and bring the buffers for them to what is free of
 * the arena. */
static bool chunks_in_spare(reds_m4_input *input)
{
    const reds_op *op = input->op;
    reds_m4_conv *conv = &input->conv;
    uint32_t groups = (op->units_out + 3) / 4;
    bool few = conv->block != 0 && !conv->direct && !conv->flat && groups * conv->quads <= REDS_M4_FEW;
    void *room = conv->chunked || few ? reds_spare(op, reds_m4_chunks_bytes(conv, groups)) : NULL;
    if (room == NULL) {
        return false;
    }
    conv->groups = groups;
    input->rest = room;
    return true;
}

#endif

void reds_m4_run_conv(const reds_op *op)
{
    uint32_t positions = (uint32_t)op->to->height * op->to->width;
#ifdef __ARM_FP
    if (op->plain == NULL && positions >= FEWEST) {
        bool tight = positions >= FEWEST_OF_CHUNKS && reds_m4_conv_tight(op->layer, op->from, op->units_in);
        reds_m4_input resting = reds_m4_input_of(op, tight);
        if (resting.conv.stationary) {
            reds_m4_conv_stationary(&resting);
            return;
        }
        if (positions >= FEWEST_OF_CHUNKS && !pairs_are_faster(op, &resting.conv) &&
            chunks_in_spare(&resting)) {
            reds_m4_conv_chunks(&resting);
            return;
        }
    }
#endif
    reds_m4_input input = reds_m4_input_of(op, false);
    reds_m4_conv_pairs(&input, weights_of(op, &input.conv, positions));
}

#endif
