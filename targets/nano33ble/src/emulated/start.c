/* From reset to main: the vector table, data, bss; any fault ends the emulation with a word on the line. */
#include <stdint.h>
#include <string.h>

extern uint32_t stack_top[], data_start[], data_end[], data_image[], bss_start[], bss_end[];
int main(void);
void reset(void);

static void fault(void)
{
    for (;;) {
        __asm volatile("bkpt #0"); /* in QEMU: a lock-up, which ends it; never an answer */
    }
}

void reset(void)
{
    memcpy(data_start, data_image, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
    memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
    (void)main();
    fault();
}

/* Stack, reset, and one handler for all that must not happen. */
__attribute__((used, section(".boot"))) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)stack_top,
    reset,
    fault,
    fault,
    fault,
    fault,
    fault,
    0,
    0,
    0,
    0,
    fault,
    fault,
    0,
    fault,
    fault,
};
