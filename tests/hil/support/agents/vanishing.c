/* An agent that ends during its work, as if the cable of its board were pulled. */
#include <stdint.h>
#include <unistd.h>

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
    static int runs;
    if (++runs > 100) {
        _exit(3);
    }
    __real_reds_run(model);
}
