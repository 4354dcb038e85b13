/* Run the pack that is built into this program, one subnet after the other. */
#include <reds.h>
#include <stdio.h>

extern const uint8_t net[], net_end[]; /* net.S */
static int8_t arena[4096]
    __attribute__((aligned(16))); /* `reds inspect net.reds` prints the bytes it needs */

/* Stand in for a microphone's features: any values in [-127, 127]. */
static void read_features(int8_t *features, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        features[i] = (int8_t)((int)(i % 255) - 127);
    }
}

static size_t index_of_largest(const int8_t *scores, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; i++) {
        largest = scores[i] > scores[largest] ? i : largest;
    }
    return largest;
}

int main(void)
{
    reds_model model;
    reds_status status = reds_load(&model, net, (size_t)(net_end - net), arena, sizeof arena);
    if (status != REDS_OK) {
        puts(reds_reason(status));
        return 1;
    }
    for (uint32_t subnet = 0; subnet < reds_subnets(&model); subnet++) {
        reds_select(&model, subnet);
        read_features(reds_input(&model), reds_input_bytes(&model));
        reds_run(&model);
        size_t label = index_of_largest(reds_output(&model), reds_output_bytes(&model));
        printf("subnet %u, %u MACs: class %u, score %d\n", (unsigned)subnet,
               (unsigned)reds_macs(&model, subnet), (unsigned)label, reds_output(&model)[label]);
    }
    return 0;
}
