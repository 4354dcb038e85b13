/* The kernel families of this build, by the processors that run them. */
#include "kernels.h"

const reds_kernels reds_processors[] = {
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) != 0
    {{[0] = &reds_portable, [4] = &reds_cortex_m4, [7] = &reds_helium}},
#endif
#ifdef __ARM_FEATURE_DSP
    {{[0] = &reds_portable, [4] = &reds_cortex_m4}},
#endif
#ifdef __x86_64__
    {{[0] = &reds_portable, [6] = &reds_x86_avx512}},
    {{[0] = &reds_portable, [6] = &reds_x86_avxvnni}},
    {{[0] = &reds_portable, [6] = &reds_x86_avx2}},
#endif
#ifdef __aarch64__
    {{[0] = &reds_portable, [5] = &reds_neon_dotprod}},
    {{[0] = &reds_portable, [5] = &reds_neon_baseline}},
#endif
    {{[0] = &reds_portable}},
};
