/* The runtime as a library of the differential fuzzer: is this file a pack, and what does a subnet answer? */
#include <stdlib.h>
#include <string.h>

#include "../../../../targets/runtime/pack.h"
#include "../../../../targets/runtime/reds.h"

enum { FILE_BYTES = 1 << 22, ARENA_BYTES = 1 << 22 };

static _Alignas(16) uint8_t pack[FILE_BYTES];
static _Alignas(16) int8_t arena[ARENA_BYTES];
static reds_model model;

/* Load a file, whatever its arena needs. A file must not be longer than its pack, as memory may be. */
int fuzz_load(const uint8_t *data, size_t size);
int fuzz_load(const uint8_t *data, size_t size)
{
    if (size > sizeof pack) {
        abort();
    }
    memcpy(pack, data, size);
    reds_status status = reds_load(&model, pack, size, arena, SIZE_MAX);
    const reds_header *header = (const void *)pack;
    return status == REDS_OK && header->size < size ? REDS_TRUNCATED : (int)status;
}

/* Run a subnet of the loaded pack, and return the bytes written; -1 if its arena is too large for this test. */
long fuzz_run(uint32_t subnet, const int8_t *inputs, size_t count, int8_t *outputs);
long fuzz_run(uint32_t subnet, const int8_t *inputs, size_t count, int8_t *outputs)
{
    uint32_t arena_bytes = reds_arena_bytes(&model, subnet);
    if (arena_bytes > sizeof arena || reds_select(&model, subnet) != REDS_OK) {
        return -1;
    }
    size_t bytes = reds_input_bytes(&model), written = reds_output_bytes(&model);
    for (size_t i = 0; i < count; i++) {
        memset(arena, 0x55, arena_bytes);
        memcpy(reds_input(&model), inputs + i * bytes, bytes);
        reds_run(&model);
        memcpy(outputs + i * written, reds_output(&model), written);
    }
    return (long)(count * written);
}
