/* The kernels for AVX2. Its byte products add up in 16 bits, which 2 * 255 * 127 would saturate. So even
 * and odd bytes are widened first and multiplied into int32. */
#include "x86.h"

#if defined(__x86_64__)

#define ISA "avx2"
#include "lanes256.h"

FAST vec dot(vec acc, vec inputs, vec weights)
{
    __m256i x = (__m256i)inputs, w = (__m256i)weights;
    __m256i even_x = _mm256_and_si256(x, _mm256_set1_epi16(255)), odd_x = _mm256_srli_epi16(x, 8);
    __m256i even_w = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), odd_w = _mm256_srai_epi16(w, 8);
    return acc + (vec)_mm256_madd_epi16(even_x, even_w) + (vec)_mm256_madd_epi16(odd_x, odd_w);
}

#include "family.h"

static bool available(void)
{
    return __builtin_cpu_supports("avx2");
}

const reds_family reds_x86_avx2 = FAMILY;

#endif
