/* The kernels for AVX2 with AVX-VNNI (Alder Lake and later, Zen 5). */
#include "x86.h"

#if defined(__x86_64__)

#define ISA "avx2,avxvnni"
#include "lanes256.h"

FAST vec dot(vec acc, vec inputs, vec weights)
{
    return (vec)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)inputs, (__m256i)weights);
}

#include "family.h"

static bool available(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni");
}

const reds_family reds_x86_avxvnni = FAMILY;

#endif
