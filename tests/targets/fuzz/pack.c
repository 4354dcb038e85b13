/* Any bytes, their checksum sealed again: the loader refuses them, or every subnet runs within its bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../targets/runtime/crc32.h"
#include "../../../targets/runtime/pack.h"
#include "../../../targets/runtime/reds.h"

static long accepted, refused[REDS_SUBNET + 1];
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fuzz_report(void);

static uint32_t arena_needed(const reds_model *model)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s < model->subnets; s++) {
        const reds_plan *plan = (const void *)(model->plans + s * model->plan_bytes);
        most = plan->arena_bytes > most ? plan->arena_bytes : most;
    }
    return most;
}

static void run_all(const uint8_t *pack, size_t size, uint32_t arena_bytes)
{
    reds_model model;
    int8_t *arena = aligned_alloc(16, arena_bytes == 0 ? 16 : (arena_bytes + 15) / 16 * 16);
    if (reds_load(&model, pack, size, arena, arena_bytes) != REDS_OK) {
        abort(); /* what was accepted is accepted again with just the arena it asks for */
    }
    for (uint32_t s = 0; s < model.subnets; s++) {
        reds_select(&model, s);
        memset(reds_input(&model), (int)(s * 37 + 129), reds_input_bytes(&model));
        reds_run(&model);
        volatile int8_t last = reds_output(&model)[reds_output_bytes(&model) - 1];
        (void)last;
    }
    free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int8_t arena[1 << 20] __attribute__((aligned(16)));
    reds_model model;
    uint8_t *pack = malloc(size); /* of just this size: a byte too far is seen */
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
    free(pack);
    return 0;
}

void fuzz_report(void)
{
    printf("accepted %ld\n", accepted);
    for (int s = 1; s <= REDS_SUBNET; s++) {
        printf("refused %ld: %s\n", refused[s], reds_reason((reds_status)s));
    }
}
