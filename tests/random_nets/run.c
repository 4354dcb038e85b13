/* run PACK < inputs > outputs: run each input through each subnet, smallest first, once as a whole and once layer by
 * layer, in an arena no larger than needed, with a mark before each layer and after the last. Both outputs are written.
 * Without a pack, the bits of the layouts that the kernels take are written. If the pack is refused, the exit code is
 * the status. */
#include <string.h>

#include "../../targets/runtime/reds.h"

#include "../targets/support/linux_calls.h"

static void write_all(const void *from, size_t size)
{
    size_t had = 0;
    while (had < size) {
        long more = write(1, (const uint8_t *)from + had, size - had);
        if (more <= 0) {
            _exit(254);
        }
        had += (size_t)more;
    }
}

void begin(const char *path)
{
    static _Alignas(16) uint8_t pack[1 << 21];
    static _Alignas(16) int8_t arena[1 << 20], inputs[1 << 18];
    uint32_t layouts = reds_layouts();
    if (path == NULL) {
        write_all(&layouts, sizeof layouts);
        _exit(0);
    }
    reds_model model, tight;
    size_t size = read_all((int)open(path, O_RDONLY), pack, sizeof pack);
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status != REDS_OK) {
        _exit((int)status);
    }
    uint32_t needed = 0;
    for (uint32_t s = 0; s < reds_subnets(&model); s++) {
        uint32_t its = reds_arena_bytes(&model, s);
        needed = its > needed ? its : needed;
    }
    if (reds_load(&tight, pack, size, arena, needed) != REDS_OK) {
        _exit(253);
    }
    size_t bytes = reds_input_bytes(&model), count = read_all(0, inputs, sizeof inputs) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK && reds_select(&tight, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            reds_inference inference;
            memset(arena, 0x55, sizeof arena);
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            reds_run(&model);
            write_all(reds_output(&model), reds_output_bytes(&model));
            memset(arena, 0x7f, sizeof arena);
            memcpy(reds_input(&tight), inputs + i * bytes, bytes);
            reds_begin(&tight, &inference);
            do {
                mark();
            } while (reds_run_layer(&tight, &inference));
            write_all(reds_output(&tight), reds_output_bytes(&tight));
        }
    }
    _exit(0);
}

#ifdef HOSTED
int main(int argc, char **argv)
{
    begin(argc > 1 ? argv[1] : NULL);
}
#endif
