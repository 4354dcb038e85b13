/* bare PACK < inputs > outputs: run each input through each subnet, smallest first, layer by layer, with a mark before
 * and after each layer. If the pack is refused, the exit code is the status. */
#include <string.h>

#include "../../../targets/runtime/reds.h"

#include "linux_calls.h"

void begin(const char *path)
{
    static _Alignas(16) uint8_t pack[1 << 21];
    static _Alignas(16) int8_t arena[1 << 20], inputs[1 << 18];
    reds_model model;
    size_t size = read_all((int)open(path, O_RDONLY), pack, sizeof pack);
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status != REDS_OK) {
        _exit((int)status);
    }
    size_t bytes = reds_input_bytes(&model), count = read_all(0, inputs, sizeof inputs) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            reds_inference inference;
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            reds_begin(&model, &inference);
            do {
                mark();
            } while (reds_run_layer(&model, &inference));
            write(1, reds_output(&model), reds_output_bytes(&model));
        }
    }
    _exit(0);
}
