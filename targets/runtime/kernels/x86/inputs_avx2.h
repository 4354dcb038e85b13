/* Operands of the instructions that AVX2 has for sums of products.
 *
 * Convolutions multiply 16 bits by 16 bits, so the copy of the input becomes two planes: one of the bytes at even
 * places, the other of those at odd places, each widened to 16 bits over the place of two. So the offset of a quad is
 * the same in both planes. The weights are split likewise in registers, for several windows at once.
 *
 * Dense layers have one window, for which that would not pay. They multiply unsigned bytes by signed ones: |x| by the
 * weights, of which those are inverted whose x is negative. A pair of such products, at most 2 * 128 * 128 in size and
 * only if negative, fits 16 bits. Inverted weights are -w - 1, so the sum of |x| over the negative x is added. */

enum { PLANES = 2 };

typedef struct {
    __m256i even, odd;
} inputs, weights;

/* Prepare the weights of a quad for dot. */
FAST weights spread(vec w)
{
    __m256i even = _mm256_srai_epi16(_mm256_slli_epi16((__m256i)w, 8), 8);
    return (weights){even, _mm256_srai_epi16((__m256i)w, 8)};
}

/* Return four inputs, repeated in every lane, from their places in the planes of even and of odd bytes. */
FAST inputs input(const uint8_t *window, const uint8_t *odd)
{
    int32_t two[2];
    memcpy(&two[0], window, 4);
    memcpy(&two[1], odd, 4);
    return (inputs){_mm256_set1_epi32(two[0]), _mm256_set1_epi32(two[1])};
}

/* Return inputs with those of another window in the upper half of the lanes. Windows of AVX2 have a vector each. */
FAST inputs beside(inputs x, const uint8_t *window)
{
    (void)window;
    return x;
}

/* Add to each lane four products of an input and a weight. */
FAST vec dot(vec acc, inputs x, weights w)
{
    return acc + (vec)_mm256_madd_epi16(x.even, w.even) + (vec)_mm256_madd_epi16(x.odd, w.odd);
}

/* Make two planes of a copy, in steps of BYTES. */
FAST void split(uint8_t *copy, uint8_t *odd, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += BYTES) {
        weights x = spread(load(copy + i));
        save(copy + i, (vec)x.even);
        save(odd + i, (vec)x.odd);
    }
}

/* Make |x| of a copy of bytes and a plane of 255 where x is negative. Return the sum of |x| over those. */
FAST int32_t split_signs(uint8_t *copy, uint8_t *signs, size_t bytes)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < bytes; i += BYTES) {
        __m256i x = (__m256i)load(copy + i), negative = _mm256_cmpgt_epi8(_mm256_setzero_si256(), x);
        __m256i size = _mm256_abs_epi8(x);
        save(copy + i, (vec)size);
        save(signs + i, (vec)negative);
        sum =
            _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_and_si256(size, negative), _mm256_setzero_si256()));
    }
    __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return _mm_cvtsi128_si32(_mm_add_epi64(half, _mm_unpackhi_epi64(half, half)));
}

/* Add four products to each lane, from the planes of split_signs. */
FAST vec dot_signs(vec acc, const uint8_t *bytes, const uint8_t *signs, vec w)
{
    inputs x = input(bytes, signs);
    __m256i pairs = _mm256_maddubs_epi16(x.even, _mm256_xor_si256((__m256i)w, x.odd));
    return acc + (vec)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
