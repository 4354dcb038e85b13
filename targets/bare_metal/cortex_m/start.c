/* From reset to main and out again: vector table, data, bss, exit.
 *
 * A fault locks the processor up, which ends the emulation with an error. */
#include <stdint.h>
#include <string.h>

extern uint32_t stack_top[], data_start[], data_end[], data_image[], bss_start[], bss_end[];
int main(void);
void reset(void);

static void fault(void)
{
    for (;;) {
        __asm volatile("bkpt #0");
    }
}

/* End the emulation by semihosting's SYS_EXIT, as QEMU's -semihosting lets a program do; else by a fault. */
static void stop(int status)
{
    register uint32_t operation __asm("r0") = 0x18;
    register uint32_t reason __asm("r1") = status == 0 ? 0x20026 : 0x20023; /* application exit, error */
    __asm volatile("bkpt #0xab" ::"r"(operation), "r"(reason));
    fault();
}

/* Let the program use the floating-point and vector registers (Arm v7-M ARM, B3.2.20). */
static void enable_coprocessors(void)
{
#if defined __ARM_FP || defined __ARM_FEATURE_MVE
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm volatile("dsb\n isb" ::: "memory");
#endif
}

void reset(void)
{
    enable_coprocessors();
    memcpy(data_start, data_image, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
    memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
    stop(main());
}

/* Initial stack, reset, and the fault handler for every exception; interrupts stay off. */
__attribute__((used, section(".boot"))) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)stack_top,
    reset,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault};
