/* An agent whose inference never ends. */
#include <stdint.h>

int __real_reds_select(void *model, uint32_t subnet);
int __wrap_reds_select(void *model, uint32_t subnet);
void __wrap_reds_run(const void *model);

int __wrap_reds_select(void *model, uint32_t subnet)
{
    return __real_reds_select(model, subnet);
}

void __wrap_reds_run(const void *model)
{
    (void)model;
    for (;;) {
    }
}
