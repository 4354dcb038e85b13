/* An agent whose first inference takes longer than its deadline. After that it answers as a good one does. */
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
    static int awake;
    for (unsigned int left = awake ? 0 : 7; left > 0;) {
        left = sleep(left);
    }
    awake = 1;
    __real_reds_run(model);
}
