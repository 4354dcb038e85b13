/* Fuzz target: the loader refuses a pack of any bytes under a valid checksum, or every subnet runs within
 * bounds.
 *
 * Buffers have just the size that is needed, so that the sanitizer notices a byte too far. For assembler,
 * which the sanitizer does not see, memory ends at a page that may not be accessed. */
#define _DEFAULT_SOURCE /* mmap, posix_memalign */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../targets/runtime/crc32.h"
#include "../../../../targets/runtime/pack.h"
#include "../../../../targets/runtime/reds.h"

static long accepted, refused[REDS_SUBNET + 1];
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fuzz_report(void);

#ifdef __arm__
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM = 1 << 21 };

/* Return `size` bytes at the end of the room, as near as the alignment allows. */
static void *take(void **room, size_t alignment, size_t size)
{
    if (*room == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        *room = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (*room == MAP_FAILED || mprotect((char *)*room + ROOM, page, PROT_NONE) != 0) {
            abort();
        }
    }
    return (char *)*room + (ROOM - size) / alignment * alignment;
}

static void release(void *memory)
{
    (void)memory;
}
#else
static void *take(void **room, size_t alignment, size_t size)
{
    (void)room;
    (void)alignment;
    void *memory = NULL;
    if (posix_memalign(&memory, 16, size) != 0) {
        abort();
    }
    return memory;
}

static void release(void *memory)
{
    free(memory);
}
#endif

static uint32_t arena_needed(const reds_model *model)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s < model->subnets; s++) {
        uint32_t bytes = reds_arena_bytes(model, s);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static void run_by_layer(const reds_model *model)
{
    reds_inference inference;
    reds_begin(model, &inference);
    while (reds_run_layer(model, &inference)) {
    }
    if (reds_next_layer(&inference) != reds_layers(model)) {
        abort();
    }
}

static void run_all(const uint8_t *pack, size_t size, uint32_t arena_bytes)
{
    reds_model model;
    static void *room;
    int8_t *arena = take(&room, 16, arena_bytes == 0 ? 16 : arena_bytes);
    if (reds_load(&model, pack, size, arena, arena_bytes) != REDS_OK) {
        abort(); /* an accepted pack must be accepted with just the arena it needs */
    }
    for (uint32_t s = 0; s < model.subnets; s++) {
        reds_select(&model, s);
        memset(reds_input(&model), (int)(s * 37 + 129), reds_input_bytes(&model));
        if (s % 2 == 0) {
            reds_run(&model);
        } else {
            run_by_layer(&model);
        }
        volatile int8_t last = reds_output(&model)[reds_output_bytes(&model) - 1];
        (void)last;
    }
    release(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int8_t arena[1 << 20] __attribute__((aligned(16)));
    reds_model model;
    static void *room;
    uint8_t *pack = take(&room, 4, size);
    memcpy(pack, data, size);
    if (size >= sizeof(reds_header)) {
        uint32_t stated, crc;
        memcpy(&stated, pack + 8, 4);
        size_t end = stated >= REDS_PACK_CRC_FROM && stated <= size ? stated : size;
        crc = reds_crc32(0, pack + REDS_PACK_CRC_FROM, end - REDS_PACK_CRC_FROM);
        memcpy(pack + 12, &crc, 4);
    }
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status == REDS_OK) {
        accepted++;
        run_all(pack, size, arena_needed(&model));
    } else {
        refused[status]++;
    }
    release(pack);
    return 0;
}

void fuzz_report(void)
{
    printf("accepted %ld\n", accepted);
    for (int s = 1; s <= REDS_SUBNET; s++) {
        printf("refused %ld: %s\n", refused[s], reds_reason((reds_status)s));
    }
}
