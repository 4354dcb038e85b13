/* An agent whose outputs are one bit off: conformance must fail. */
#include <stdint.h>

int __real_reds_select(void *model, uint32_t subnet);
int __wrap_reds_select(void *model, uint32_t subnet);
void __real_reds_run(const void *model);
void __wrap_reds_run(const void *model);
int8_t *reds_output(const void *model);

int __wrap_reds_select(void *model, uint32_t subnet)
{
    return __real_reds_select(model, subnet);
}

void __wrap_reds_run(const void *model)
{
    __real_reds_run(model);
    reds_output(model)[0] ^= 1;
}
