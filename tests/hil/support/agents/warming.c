/* An agent that is slow at first: the subnet that is measured first must not appear slower. */
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
    static uint32_t runs;
    for (volatile uint32_t i = ++runs <= 100 ? 0 : 20000; i < 20000; i++) {
    }
    __real_reds_run(model);
}
