/* AVX-VNNI's one instruction by its definition, in AVX2: included before avxvnni.c for a processor without it. */
#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>

#define __builtin_cpu_supports(name) true
#define __get_cpuid_count(leaf, subleaf, a, b, c, d) (*(a) = 1u << 4, *(b) = *(c) = *(d) = 0, 1)
#define _mm256_dpbusd_avx_epi32 dpbusd

static inline __attribute__((target("avx2"))) __m256i dpbusd(__m256i sums, __m256i bytes,
                                                             __m256i signed_bytes)
{
    __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi16(255)), high = _mm256_srli_epi16(bytes, 8);
    __m256i signed_low = _mm256_srai_epi16(_mm256_slli_epi16(signed_bytes, 8), 8);
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(low, signed_low));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(high, _mm256_srai_epi16(signed_bytes, 8)));
}
