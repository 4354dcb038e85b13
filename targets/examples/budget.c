/* A network as large as its budget allows, read in place from flash: all that a firmware needs of it. */
#include <reds.h>
#include <stdio.h>

extern const uint8_t pack[], pack_end[];                /* pack.S: the file as it is */
static int8_t arena[4096] __attribute__((aligned(16))); /* `reds inspect` says how much a pack needs */

/* The largest subnet of at most so many multiply-accumulates; the smallest if none is. */
static uint32_t within(const reds_model *model, uint32_t macs)
{
    uint32_t subnet = 0;
    while (subnet + 1 < reds_subnets(model) && reds_macs(model, subnet + 1) <= macs) {
        subnet++;
    }
    return subnet;
}

int main(void)
{
    static const uint32_t budgets[] = {80000, 20000, 60000}; /* as the battery, or the deadline, has it */
    reds_model model;
    reds_status status = reds_load(&model, pack, (size_t)(pack_end - pack), arena, sizeof arena);
    if (status != REDS_OK) {
        puts(reds_reason(status));
        return 1;
    }
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        uint32_t subnet = within(&model, budgets[i]);
        reds_select(&model, subnet);
        for (size_t k = 0; k < reds_input_bytes(&model); k++) {
            reds_input(&model)[k] = (int8_t)((int)(k % 255) - 127); /* here go the features, in [-127, 127] */
        }
        reds_run(&model);
        printf("%u:", (unsigned)subnet);
        for (size_t k = 0; k < reds_output_bytes(&model); k++) {
            printf(" %d", reds_output(&model)[k]);
        }
        puts("");
    }
    return 0;
}
