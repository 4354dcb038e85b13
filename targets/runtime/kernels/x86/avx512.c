/* The kernels for AVX-512 with VNNI (Ice Lake, Zen 4 and later). */
#include "x86.h"

#if defined(__x86_64__)

#define ISA "avx512f,avx512bw,avx512vl,avx512vnni,bmi2"
#define OFFSET 128
#include "lanes512.h"

FAST vec vnni(vec acc, vec bytes, vec signed_bytes)
{
    return (vec)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)bytes, (__m512i)signed_bytes);
}

#include "inputs_vnni.h"

#include "family.h"

static bool available(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
           __builtin_cpu_supports("bmi2");
}

const reds_family reds_x86_avx512 = FAMILY;

#endif
