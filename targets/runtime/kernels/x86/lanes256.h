/* Vectors of 8 int32 lanes, for AVX2. The including file defines ISA and OFFSET before, and
 * dot(acc, inputs, weights) after. lanes512.h has the same operations for AVX-512, and their comments. */
#include <immintrin.h>
#include <string.h>

#define FAST static inline __attribute__((always_inline, target(ISA)))
#define KERNEL static __attribute__((target(ISA)))
#define UNROLL _Pragma("GCC unroll 16")

typedef uint32_t vec __attribute__((vector_size(32)));
enum { LANES = 8, BYTES = 32, VECTORS = 2, POSITIONS = 4, PARTS = 2 };
#define POSITIONS_WITH(vectors) 4u

FAST vec load(const void *at)
{
    return (vec)_mm256_loadu_si256(at);
}

FAST void save(void *at, vec v)
{
    _mm256_storeu_si256(at, (__m256i)v);
}

FAST vec broadcast(int32_t value)
{
    return (vec)_mm256_set1_epi32(value);
}

FAST vec load_some(const int32_t *at, uint32_t count)
{
    __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    __m256i live = _mm256_set1_epi32((int32_t)(count < 8 ? count : 8));
    return (vec)_mm256_maskload_epi32(at, _mm256_cmpgt_epi32(live, lanes));
}

FAST vec zero_point(int32_t zero)
{
    return (vec)_mm256_set1_epi64x((2 * (int64_t)zero + 1) * ((int64_t)1 << 31));
}

FAST vec requantize(vec acc, vec multiplier, vec zero)
{
    __m256i a = (__m256i)acc, m = (__m256i)multiplier, z = (__m256i)zero;
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, m), z);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(m, 32)), z);
    return (vec)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

FAST vec widen(__m128i bytes, uint32_t half)
{
    return (vec)_mm256_cvtepi8_epi32(half == 0 ? bytes : _mm_unpackhi_epi64(bytes, bytes));
}

FAST __m128i load_bytes(const void *at, uint32_t count)
{
    const uint8_t *from = at;
    uint64_t half[2] = {0};
    uint32_t four;
    uint16_t two;
    if (count == 16) {
        return _mm_loadu_si128(at);
    }
    if ((count & 8) != 0) {
        memcpy(&half[0], from, 8);
        from += 8;
    }
    uint64_t *rest = &half[count >> 3]; /* of fewer than 8 bytes, assembled from the last to the first */
    if ((count & 1) != 0) {
        *rest = from[count & 6];
    }
    if ((count & 2) != 0) {
        memcpy(&two, from + (count & 4), 2);
        *rest = *rest << 16 | two;
    }
    if ((count & 4) != 0) {
        memcpy(&four, from, 4);
        *rest = *rest << 32 | four;
    }
    return _mm_set_epi64x((int64_t)half[1], (int64_t)half[0]);
}

FAST void save_bytes(void *at, __m128i bytes, uint32_t count)
{
    uint8_t *to = at;
    if (count == 16) {
        _mm_storeu_si128(at, bytes);
        return;
    }
    if ((count & 8) != 0) {
        _mm_storel_epi64((void *)to, bytes);
        bytes = _mm_unpackhi_epi64(bytes, bytes);
        to += 8;
    }
    uint64_t rest = (uint64_t)_mm_cvtsi128_si64(bytes);
    if ((count & 4) != 0) {
        memcpy(to, &rest, 4);
        rest >>= 32;
        to += 4;
    }
    if ((count & 2) != 0) {
        memcpy(to, &rest, 2);
        rest >>= 16;
        to += 2;
    }
    if ((count & 1) != 0) {
        *to = (uint8_t)rest;
    }
}

FAST void offset_some(uint8_t *to, const int8_t *from, uint32_t count)
{
    const __m256i sign = _mm256_set1_epi8(-OFFSET);
    if (count == BYTES) {
        save(to, load(from) ^ (vec)sign);
        return;
    }
    if (count > 16) {
        save_bytes(to, _mm_xor_si128(load_bytes(from, 16), _mm256_castsi256_si128(sign)), 16);
        to += 16, from += 16, count -= 16;
    }
    save_bytes(to, _mm_xor_si128(load_bytes(from, count), _mm256_castsi256_si128(sign)), count);
}

FAST vec pack(const vec *v)
{
    __m256i low = _mm256_packs_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i high = _mm256_packs_epi32((__m256i)v[2], (__m256i)v[3]);
    __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    return (vec)_mm256_max_epi8(bytes, _mm256_set1_epi8(-127));
}

FAST void save_part(int8_t *at, vec bytes, uint32_t part, uint32_t size, uint32_t count)
{
    __m256i all = (__m256i)bytes;
    __m128i low = _mm256_castsi256_si128(all), high = _mm256_extracti128_si256(all, 1);
    count = count < size ? count : size;
    if (size == 32) {
        if (count == 32) {
            save(at, bytes);
            return;
        }
        save_bytes(at, low, count < 16 ? count : 16);
        if (count > 16) {
            save_bytes(at + 16, high, count - 16);
        }
    } else if (size == 16) {
        save_bytes(at, part == 0 ? low : high, count);
    } else {
        __m128i half = part < 2 ? low : high;
        half = part % 2 == 0 ? half : _mm_unpackhi_epi64(half, half);
        if (count == 8) {
            _mm_storel_epi64((void *)at, half);
        } else {
            save_bytes(at, half, count);
        }
    }
}

FAST void save_rows(int8_t *at, const vec *v, uint32_t count)
{
    __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32((__m256i)v[0], (__m256i)v[1]), 0xd8);
    __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    save_bytes(at, _mm_max_epi8(bytes, _mm_set1_epi8(-127)), count < 16 ? count : 16);
}

FAST vec joined(const int32_t *from, const uint32_t *places)
{
    __m256i v = _mm256_castsi128_si256(_mm_loadu_si128((const void *)(from + places[0])));
    return (vec)_mm256_inserti128_si256(v, _mm_loadu_si128((const void *)(from + places[4])), 1);
}

FAST void interleave(vec *to, const vec *rows, uint32_t part)
{
    __m256i r0 = (__m256i)rows[0], r1 = (__m256i)rows[1], r2 = (__m256i)rows[2], r3 = (__m256i)rows[3];
    __m256i a = part == 0 ? _mm256_unpacklo_epi8(r0, r1) : _mm256_unpackhi_epi8(r0, r1);
    __m256i b = part == 0 ? _mm256_unpacklo_epi8(r2, r3) : _mm256_unpackhi_epi8(r2, r3);
    to[0] = (vec)_mm256_unpacklo_epi16(a, b);
    to[1] = (vec)_mm256_unpackhi_epi16(a, b);
}

FAST void save_interleaved(int8_t *at, const vec *v, uint32_t count, uint32_t part)
{
    __m256i words = _mm256_packs_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i bytes = _mm256_max_epi8(_mm256_packs_epi16(words, words), _mm256_set1_epi8(-127));
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    uint32_t first = 4 * part;
    if (count == BYTES) {
        _mm_storel_epi64((void *)(at + first), low);
        _mm_storel_epi64((void *)(at + first + 16), high);
        return;
    }
    if (count > first) {
        save_bytes(at + first, low, count - first < 8 ? count - first : 8);
    }
    if (count > first + 16) {
        save_bytes(at + first + 16, high, count - first - 16 < 8 ? count - first - 16 : 8);
    }
}

FAST vec sided(vec v, uint32_t sides)
{
    (void)sides; /* always one */
    return v;
}

FAST vec upper_half(vec lower, vec upper)
{
    return (vec)_mm256_blend_epi32((__m256i)lower, (__m256i)upper, 0xf0);
}

FAST vec select_negative(vec of, vec negative, vec other)
{
    __m256 below = _mm256_castsi256_ps((__m256i)of);
    __m256 chosen =
        _mm256_blendv_ps(_mm256_castsi256_ps((__m256i)other), _mm256_castsi256_ps((__m256i)negative), below);
    return (vec)_mm256_castps_si256(chosen);
}
