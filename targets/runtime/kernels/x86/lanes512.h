/* Vectors of 16 int32 lanes, for AVX-512 with VNNI. The including file defines ISA and OFFSET before. lanes256.h has
 * the same operations for AVX2. */
#include <immintrin.h>
#include <string.h>

#define FAST static inline __attribute__((always_inline, target(ISA)))
#define KERNEL static __attribute__((target(ISA)))
#define UNROLL _Pragma("GCC unroll 16")

/* Lanes of 32 bits, modulo 2^32. With __m512i, whose lanes have 64 bits, gcc copies sums between
 * registers. */
typedef uint32_t vec __attribute__((vector_size(64)));
enum {
    LANES = 16,
    BYTES = 64,
    VECTORS = 4,
    POSITIONS = 8,
    PARTS = 4
}; /* VECTORS of rows by POSITIONS windows: the largest tile */
#define POSITIONS_WITH(vectors) \
    ((vectors) > 2 ? 4u : 8u) /* windows of a tile that fit the registers; divides POSITIONS */

FAST vec load(const void *at)
{
    return (vec)_mm512_loadu_si512(at);
}

FAST void save(void *at, vec v)
{
    _mm512_storeu_si512(at, (__m512i)v);
}

FAST vec broadcast(int32_t value)
{
    return (vec)_mm512_set1_epi32(value);
}

/* Load the first `count` lanes, or all; the others are 0. */
FAST vec load_some(const int32_t *at, uint32_t count)
{
    return (vec)_mm512_maskz_loadu_epi32((__mmask16)_bzhi_u32(0xffff, count < 16 ? count : 16), at);
}

/* Return the zero point as requantize adds it to a 64-bit product. */
FAST vec zero_point(int32_t zero)
{
    return (vec)_mm512_set1_epi64((2 * (int64_t)zero + 1) * ((int64_t)1 << 31));
}

/* Requantize as reds_requantize does, but without the clamp. */
FAST vec requantize(vec acc, vec multiplier, vec zero)
{
    const __m512i high = _mm512_set_epi32(31, 15, 29, 13, 27, 11, 25, 9, 23, 7, 21, 5, 19, 3, 17, 1);
    __m512i a = (__m512i)acc, m = (__m512i)multiplier, z = (__m512i)zero;
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, m), z);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(m, 32)), z);
    return (vec)_mm512_permutex2var_epi32(even, high, odd);
}

/* Widen sixteen bytes to int32 and return vector number `half` of the result. */
FAST vec widen(__m128i bytes, uint32_t half)
{
    (void)half;
    return (vec)_mm512_cvtepi8_epi32(bytes);
}

/* Load `count` bytes, 1 to 16, and touch none past them. */
FAST __m128i load_bytes(const void *at, uint32_t count)
{
    return _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xffff, count), at);
}

FAST void save_bytes(void *at, __m128i bytes, uint32_t count)
{
    _mm_mask_storeu_epi8(at, (__mmask16)_bzhi_u32(0xffff, count), bytes);
}

/* Write x + OFFSET for `count` bytes, 1 to BYTES. */
FAST void offset_some(uint8_t *to, const int8_t *from, uint32_t count)
{
    __mmask64 live = _bzhi_u64(~UINT64_C(0), count);
    __m512i x = _mm512_maskz_loadu_epi8(live, from);
    _mm512_mask_storeu_epi8(to, live, _mm512_xor_si512(x, _mm512_set1_epi8(-OFFSET)));
}

/* Clamp the lanes of four vectors, in order, to bytes. */
FAST vec pack(const vec *v)
{
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512i low = _mm512_packs_epi32((__m512i)v[0], (__m512i)v[1]);
    __m512i high = _mm512_packs_epi32((__m512i)v[2], (__m512i)v[3]);
    __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
    return (vec)_mm512_max_epi8(bytes, _mm512_set1_epi8(-127));
}

/* Write the first `count` bytes, or all, of part number `part` of a vector, in parts of `size` bytes. */
FAST void save_part(int8_t *at, vec bytes, uint32_t part, uint32_t size, uint32_t count)
{
    __m512i all = (__m512i)bytes;
    uint64_t live = _bzhi_u64(~UINT64_C(0), count < size ? count : size);
    if (size == 64) {
        _mm512_mask_storeu_epi8(at, live, all);
    } else if (size == 32) {
        __m256i half = part == 0 ? _mm512_castsi512_si256(all) : _mm512_extracti64x4_epi64(all, 1);
        _mm256_mask_storeu_epi8(at, (__mmask32)live, half);
    } else {
        uint32_t number = part * size / 16;
        __m256i half = number < 2 ? _mm512_castsi512_si256(all) : _mm512_extracti64x4_epi64(all, 1);
        __m128i quarter = number % 2 == 0 ? _mm256_castsi256_si128(half) : _mm256_extracti128_si256(half, 1);
        quarter = size == 8 && part % 2 == 1 ? _mm_unpackhi_epi64(quarter, quarter) : quarter;
        _mm_mask_storeu_epi8(at, (__mmask16)live, quarter);
    }
}

/* Clamp the lanes of a vector and write the first `count`. */
FAST void save_rows(int8_t *at, const vec *v, uint32_t count)
{
    __m128i bytes = _mm_max_epi8(_mm512_cvtsepi32_epi8((__m512i)v[0]), _mm_set1_epi8(-127));
    save_bytes(at, bytes, count < 16 ? count : 16);
}

/* Return the four values from every fourth of some places on. */
FAST vec joined(const int32_t *from, const uint32_t *places)
{
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(from + places[0])));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(from + places[4])), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(from + places[8])), 2);
    return (vec)_mm512_inserti32x4(v, _mm_loadu_si128((const void *)(from + places[12])), 3);
}

/* Interleave four rows of bytes, and return those of the PARTS vectors from `part` on: lane j of vector k has the four
 * bytes of unit 16 * (j / 4) + 4 * k + j % 4. */
FAST void interleave(vec *to, const vec *rows, uint32_t part)
{
    __m512i r0 = (__m512i)rows[0], r1 = (__m512i)rows[1], r2 = (__m512i)rows[2], r3 = (__m512i)rows[3];
    __m512i a = _mm512_unpacklo_epi8(r0, r1), b = _mm512_unpackhi_epi8(r0, r1);
    __m512i c = _mm512_unpacklo_epi8(r2, r3), d = _mm512_unpackhi_epi8(r2, r3);
    (void)part; /* always 0 */
    to[0] = (vec)_mm512_unpacklo_epi16(a, c);
    to[1] = (vec)_mm512_unpackhi_epi16(a, c);
    to[2] = (vec)_mm512_unpacklo_epi16(b, d);
    to[3] = (vec)_mm512_unpackhi_epi16(b, d);
}

/* Clamp the lanes of the vectors from `part` on, in the order of interleave, and write what they have of the first
 * `count` units. */
FAST void save_interleaved(int8_t *at, const vec *v, uint32_t count, uint32_t part)
{
    __m512i low = _mm512_packs_epi32((__m512i)v[0], (__m512i)v[1]);
    __m512i high = _mm512_packs_epi32((__m512i)v[2], (__m512i)v[3]);
    __m512i bytes = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8(-127));
    (void)part;
    _mm512_mask_storeu_epi8(at, _bzhi_u64(~UINT64_C(0), count), bytes);
}

/* Return a vector, or with two sides its first half twice. */
FAST vec sided(vec v, uint32_t sides)
{
    return sides == 1 ? v : (vec)_mm512_shuffle_i64x2((__m512i)v, (__m512i)v, 0x44);
}

/* Return the lower half of a vector below the upper half of another. */
FAST vec upper_half(vec lower, vec upper)
{
    return (vec)_mm512_mask_mov_epi64((__m512i)lower, 0xf0, (__m512i)upper);
}

/* Return for each lane that of one vector where another is negative, or else of the third. */
FAST vec select_negative(vec of, vec negative, vec other)
{
    __mmask16 below = _mm512_cmplt_epi32_mask((__m512i)of, _mm512_setzero_si512());
    return (vec)_mm512_mask_mov_epi32((__m512i)other, below, (__m512i)negative);
}
