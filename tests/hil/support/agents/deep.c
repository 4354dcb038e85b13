/* An agent whose inference takes 5,000 bytes of stack more in the smallest subnet, and more than a port lets the
 * agent paint in others. */
#include <stdint.h>

int __real_reds_select(void *model, uint32_t subnet);
int __wrap_reds_select(void *model, uint32_t subnet);
void __real_reds_run(const void *model);
void __wrap_reds_run(const void *model);

static uint32_t selected;

int __wrap_reds_select(void *model, uint32_t subnet)
{
    selected = subnet;
    return __real_reds_select(model, subnet);
}

__attribute__((noinline)) static void deep(const void *model)
{
    volatile uint8_t more[5000];
    more[0] = 1;
    __real_reds_run(model);
    more[1] = more[0];
}

__attribute__((noinline)) static void deeper(const void *model)
{
    volatile uint8_t more[60000];
    for (uint32_t i = 0; i < sizeof more; i++) {
        more[i] = 1;
    }
    __real_reds_run(model);
    more[1] = more[0];
}

void __wrap_reds_run(const void *model)
{
    if (selected == 0) {
        deep(model);
    } else {
        deeper(model);
    }
}
