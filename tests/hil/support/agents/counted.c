/* An agent for aarch64 whose inference takes 300,000 instructions, and a few for the call. */
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
    uint64_t left = 100000;
    __asm volatile("1: nop\n subs %0, %0, #1\n b.ne 1b" : "+r"(left) : : "cc");
}
