/* driver ITERATIONS SEED FILE...: call a fuzz target with mutated files. It repeats exactly and needs no
 * fuzzing engine; link the target with libFuzzer instead for a longer search. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fuzz_report(void);

enum { SEEDS = 64, SEED_BYTES = 1 << 16 };
enum { STRUCTURE = 700 }; /* bytes of a small pack before its tables */

static uint64_t state;

static uint32_t next(uint32_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % bound;
}

static void mutate(uint8_t *data, size_t *size)
{
    static const uint32_t interesting[] = {
        0,   1,   2,      3,      4,      7,       8,          16,         127,        128,
        255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
    uint32_t at = next((uint32_t)*size), value = interesting[next(sizeof interesting / 4)];
    size_t left = *size - at;
    switch (next(8)) {
    case 0:
        data[at] ^= (uint8_t)(1u << next(8));
        break;
    case 1:
        data[at] = (uint8_t)next(256);
        break;
    case 2:
        memcpy(data + at, &value, left < 2 ? left : 2);
        break;
    case 3: /* a whole aligned field */
        at &= ~3u;
        left = *size - at;
        memcpy(data + at, &value, left < 4 ? left : 4);
        break;
    case 4: /* a field slightly larger or smaller */
        at &= ~1u;
        data[at] = (uint8_t)(data[at] + next(9) - 4);
        break;
    case 5: { /* a piece copied somewhere else, perhaps a room over a room or a step over a step of a pack */
        uint32_t to = next((uint32_t)*size), n = 1 + next(32);
        if (next(2) == 0) {
            n = next(2) == 0 ? 12 : 20;
            at = at % STRUCTURE & ~3u;
            to = (at + n * (1 + next(8))) % (uint32_t)*size;
        }
        size_t room = *size - (at > to ? at : to);
        memmove(data + to, data + at, n < room ? n : room);
        break;
    }
    case 6:
        if (next(4) == 0) {
            *size = 1 + next((uint32_t)*size);
        }
        break;
    default: /* the beginning, which has the structure */
        data[next((uint32_t)(*size < STRUCTURE ? *size : STRUCTURE))] = (uint8_t)next(256);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 3 > SEEDS) {
        fprintf(stderr, "usage: %s ITERATIONS SEED FILE...: at most %d files\n", argv[0], SEEDS);
        return 2;
    }
    static uint8_t seeds[SEEDS][SEED_BYTES], data[SEED_BYTES];
    size_t sizes[SEEDS];
    uint32_t count = (uint32_t)argc - 3;
    for (uint32_t i = 0; i < count; i++) {
        FILE *file = fopen(argv[3 + i], "rb");
        sizes[i] = file == NULL ? 0 : fread(seeds[i], 1, SEED_BYTES, file);
        if (sizes[i] == 0) {
            fprintf(stderr, "cannot read a seed\n");
            return 2;
        }
        fclose(file);
    }
    state = strtoull(argv[2], NULL, 0) * 2 + 1;
    for (long i = strtol(argv[1], NULL, 0); i > 0; i--) {
        uint32_t seed = next(count);
        size_t size = sizes[seed];
        memcpy(data, seeds[seed], size);
        for (uint32_t n = next(6); n > 0; n--) {
            mutate(data, &size);
        }
        LLVMFuzzerTestOneInput(data, size);
    }
    fuzz_report();
    return 0;
}
