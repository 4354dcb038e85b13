/* An agent whose inferences take longer, with the same outputs: only the test of the baseline must fail. */
#include <stdint.h>

int __real_reds_select(void *model, uint32_t subnet);
int __wrap_reds_select(void *model, uint32_t subnet);
void __real_reds_run(const void *model);
void __wrap_reds_run(const void *model);

int __wrap_reds_select(void *model, uint32_t subnet)
{
    return __real_reds_select(model, subnet);
}

void __wrap_reds_run(const void *model)
{
    for (volatile uint32_t i = 0; i < 2000; i++) {
    }
    __real_reds_run(model);
}
