/* run_pack PACK < inputs > outputs: all inputs through each subnet, smallest first. Exit 1 and the reason
 * on standard error if the pack is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../targets/runtime/reds.h"

int main(int argc, char **argv)
{
    static int8_t arena[1 << 20] __attribute__((aligned(16)));
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        return 2;
    }
    static uint8_t read_at[1 << 21];
    size_t size = fread(read_at, 1, sizeof read_at, file);
    fclose(file);
    uint8_t *pack = malloc(size);
    memcpy(pack, read_at, size);
    reds_model model;
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status != REDS_OK) {
        fprintf(stderr, "%s\n", reds_reason(status));
        return 1;
    }
    static int8_t inputs[1 << 20];
    size_t bytes = reds_input_bytes(&model), count = fread(inputs, 1, sizeof inputs, stdin) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            reds_run(&model);
            fwrite(reds_output(&model), 1, reds_output_bytes(&model), stdout);
        }
    }
    free(pack);
    return 0;
}
