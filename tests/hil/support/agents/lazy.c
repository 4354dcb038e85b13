/* An agent that switches at once and moves some percent of an inference to the first inference after the
 * switch: only the test of first inferences must fail. */
#include <stdint.h>

int __real_reds_select(void *model, uint32_t subnet);
int __wrap_reds_select(void *model, uint32_t subnet);
void __real_reds_run(const void *model);
void __wrap_reds_run(const void *model);

static int left_behind;

int __wrap_reds_select(void *model, uint32_t subnet)
{
    left_behind = 1;
    return __real_reds_select(model, subnet);
}

void __wrap_reds_run(const void *model)
{
    for (volatile uint32_t i = 0; left_behind && i < 8; i++) {
    }
    left_behind = 0;
    __real_reds_run(model);
}
