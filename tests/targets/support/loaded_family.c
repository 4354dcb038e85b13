/* loaded_family PACK: print the name of the aarch64 kernels that the loader chooses for a pack. */
#include <stdio.h>

#include "../../../targets/runtime/kernels/kernels.h"
#include "../../../targets/runtime/reds.h"

int main(int argc, char **argv)
{
    static int8_t arena[1 << 16] __attribute__((aligned(16)));
    static uint8_t pack[1 << 16] __attribute__((aligned(16)));
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t size = file == NULL ? 0 : fread(pack, 1, sizeof pack, file);
    reds_model model;
    if (reds_load(&model, pack, size, arena, sizeof arena) != REDS_OK) {
        return 1;
    }
    const reds_family *family = model.kernels->of[5];
    puts(family == &reds_neon_dotprod ? "dotprod" : family == &reds_neon_baseline ? "baseline" : "none");
    return 0;
}
