/* The kernels for AVX2 with AVX-VNNI (Alder Lake and later, Zen 5). */
#include "x86.h"

#if defined(__x86_64__)

#include <cpuid.h>

#define ISA "avx2,avxvnni"
#define OFFSET 128
#include "lanes256.h"

FAST vec vnni(vec acc, vec bytes, vec signed_bytes)
{
    return (vec)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)bytes, (__m256i)signed_bytes);
}

#include "inputs_vnni.h"

#include "family.h"

/* CPUID leaf 7, subleaf 1, bit 4 of EAX: clang 14 does not know AVX-VNNI by name. */
static bool available(void)
{
    unsigned eax, ebx, ecx, edx;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
           (eax & 1u << 4) != 0;
}

const reds_family reds_x86_avxvnni = FAMILY;

#endif
