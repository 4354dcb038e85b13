/* From reset to main, on a RISC-V core whose program lies in RAM when it starts. */
#include <stdint.h>
#include <string.h>

extern uint8_t bss_start[], bss_end[];
int main(void);
void start(void);
void fault(void);

/* Wait for ever after a trap or the end of main; a board may do something better. */
__attribute__((weak, aligned(4))) void fault(void)
{
    for (;;) {
        __asm volatile("wfi");
    }
}

__attribute__((used, noreturn)) static void begin(void)
{
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    (void)main();
    for (;;) {
        fault();
    }
}

__attribute__((naked, section(".boot"))) void start(void)
{
    __asm volatile(".option push\n"
                   ".option norelax\n"
                   "la gp, __global_pointer$\n"
                   ".option pop\n"
                   "la sp, stack_top\n"
                   "la t0, fault\n"
                   "csrw mtvec, t0\n"
                   "la t0, begin\n"
                   "jr t0\n");
}
