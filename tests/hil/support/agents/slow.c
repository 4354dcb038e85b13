/* An agent that switches slowly: only the switch test must fail. */
#include <stdint.h>

int __real_reds_select(void *model, uint32_t subnet);
int __wrap_reds_select(void *model, uint32_t subnet);
void __real_reds_run(const void *model);
void __wrap_reds_run(const void *model);

int __wrap_reds_select(void *model, uint32_t subnet)
{
    for (volatile uint32_t i = 0; i < 5000; i++) {
    }
    return __real_reds_select(model, subnet);
}

void __wrap_reds_run(const void *model)
{
    __real_reds_run(model);
}
