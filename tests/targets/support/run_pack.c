/* run_pack PACK [exact] < inputs > outputs: run all inputs through each subnet, smallest first. If the pack is
 * refused, the exit code is the status. With `exact` the arena is no larger than the pack needs, and the exit code is
 * 254 if a byte behind it has changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../targets/runtime/reds.h"

enum { BEHIND = 64, MARK = 0x55 };

static uint32_t arena_needed(const reds_model *model)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s < reds_subnets(model); s++) {
        most = reds_arena_bytes(model, s) > most ? reds_arena_bytes(model, s) : most;
    }
    return most;
}

int main(int argc, char **argv)
{
    static int8_t arena[1 << 20] __attribute__((aligned(16)));
    FILE *file = argc == 2 || argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        return 255;
    }
    static uint8_t buffer[1 << 21];
    size_t size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    uint8_t *pack = malloc(size);
    memcpy(pack, buffer, size);
    reds_model model;
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status != REDS_OK) {
        free(pack);
        return (int)status;
    }
    uint32_t needed = argc == 3 ? arena_needed(&model) : 0;
    if (argc == 3) {
        reds_load(&model, pack, size, arena, needed);
        memset(arena + needed, MARK, BEHIND);
    }
    static int8_t inputs[1 << 20];
    size_t bytes = reds_input_bytes(&model), count = fread(inputs, 1, sizeof inputs, stdin) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            reds_run(&model);
            for (uint32_t b = 0; argc == 3 && b < BEHIND; b++) {
                if (arena[needed + b] != MARK) {
                    return 254;
                }
            }
            fwrite(reds_output(&model), 1, reds_output_bytes(&model), stdout);
        }
    }
    free(pack);
    return 0;
}
