/* The kernel families of this build. Of two with the same layout the faster one comes first. */
#include "kernels.h"

const reds_family *const reds_families[] = {
#ifdef __ARM_FEATURE_DSP
    &reds_cortex_m4,
#endif
#ifdef __x86_64__
    &reds_x86_avx512,   &reds_x86_avxvnni,
    &reds_x86_avx2,
#endif
#ifdef __aarch64__
    &reds_neon_dotprod, &reds_neon_baseline,
#endif
    &reds_portable,     NULL,
};
