/* Operands of the instruction that multiplies unsigned bytes by signed ones and adds four products to a lane. The
 * including file defines vnni(acc, bytes, signed_bytes) before. inputs_avx2.h has the same operations for AVX2, and
 * their comments. */

enum { PLANES = 1 };

typedef vec inputs;
typedef vec weights;

FAST weights spread(vec w)
{
    return w;
}

FAST inputs input(const uint8_t *window, const uint8_t *odd)
{
    int32_t four;
    (void)odd;
    memcpy(&four, window, 4);
    return broadcast(four);
}

FAST inputs beside(inputs x, const uint8_t *window)
{
    return upper_half(x, input(window, window));
}

FAST vec dot(vec acc, inputs x, weights w)
{
    return vnni(acc, x, w);
}

FAST void split(uint8_t *copy, uint8_t *odd, size_t bytes)
{
    (void)copy, (void)odd, (void)bytes;
}

FAST int32_t split_signs(uint8_t *copy, uint8_t *signs, size_t bytes)
{
    (void)copy, (void)signs, (void)bytes;
    return 0;
}

FAST vec dot_signs(vec acc, const uint8_t *bytes, const uint8_t *signs, vec w)
{
    return vnni(acc, input(bytes, signs), w);
}
