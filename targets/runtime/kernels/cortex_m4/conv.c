/* Convolution for the Cortex-M4: the choice of its kernel. conv.h explains them. */
#include "conv.h"

#ifdef __ARM_FEATURE_DSP

/* Fewest positions for which it pays to bring the weights into the FPU. */
enum { FEWEST = 8, FEWEST_OF_CHUNKS = 16 };

void reds_m4_run_conv(const reds_op *op)
{
    reds_m4_input input = reds_m4_input_of(op);
#ifdef __ARM_FP
    uint32_t positions = (uint32_t)op->to->height * op->to->width;
    if (op->plain == NULL && input.conv.stationary && positions >= FEWEST) {
        reds_m4_conv_stationary(&input);
        return;
    }
    if (op->plain == NULL && input.conv.chunked && positions >= FEWEST_OF_CHUNKS) {
        reds_m4_conv_chunks(&input);
        return;
    }
#endif
    reds_m4_conv_pairs(&input);
}

#endif
