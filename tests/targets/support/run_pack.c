/* run_pack PACK < inputs > outputs: run all inputs through each subnet, smallest first. If the pack is
 * refused, the exit code is the status. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../targets/runtime/reds.h"

int main(int argc, char **argv)
{
    static int8_t arena[1 << 20] __attribute__((aligned(16)));
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
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
