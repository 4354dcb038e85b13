/* The kernels for AVX2. */
#include "x86.h"

#if defined(__x86_64__)

#define ISA "avx2"
#define OFFSET 0
#include "lanes256.h"

#include "inputs_avx2.h"

#include "family.h"

static bool available(void)
{
    return __builtin_cpu_supports("avx2");
}

const reds_family reds_x86_avx2 = FAMILY;

#endif
