/* bare PACK < inputs > outputs: run each input through each subnet, smallest first, layer by layer, with a mark before
 * and after each layer. If the pack is refused, the exit code is the status.
 *
 * For processors that have no system: freestanding, but for the calls of Linux that QEMU's user mode answers. */
#include <string.h>

#include "../../../targets/runtime/reds.h"

#if defined(__riscv)
enum { READ = 63, WRITE = 64, EXIT = 93, OPEN = 56 };
__asm__(".globl _start\n_start: .option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
        "lw a0, 8(sp)\ncall begin");

static long call(long number, long a, long b, long c)
{
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}
#else
enum { READ = 3, WRITE = 4, EXIT = 1, OPEN = 322 };
__asm__(".globl _start\n.thumb_func\n_start: ldr r0, [sp, #8]\nbl begin");

static long call(long number, long a, long b, long c)
{
    register long r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c, r7 __asm__("r7") = number;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7) : "memory");
    return r0;
}
#endif

enum { HERE = -100, CHUNK = 1 << 16 };

__attribute__((noinline)) void mark(void)
{
    __asm__ volatile("");
}

/* Read to the end of a file, and return the number of bytes. */
static size_t read_all(long file, void *to, size_t most)
{
    size_t had = 0;
    while (had < most) {
        long more =
            call(READ, file, (long)((uint8_t *)to + had), most - had < CHUNK ? (long)(most - had) : CHUNK);
        if (more <= 0) {
            break;
        }
        had += (size_t)more;
    }
    return had;
}

__attribute__((used)) void begin(const char *path); /* called by assembler alone */

void begin(const char *path)
{
    static _Alignas(16) uint8_t pack[1 << 21];
    static _Alignas(16) int8_t arena[1 << 20], inputs[1 << 18];
    reds_model model;
    long file = call(OPEN, HERE, (long)path, 0);
    size_t size = read_all(file, pack, sizeof pack);
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status != REDS_OK) {
        call(EXIT, (long)status, 0, 0);
    }
    size_t bytes = reds_input_bytes(&model), count = read_all(0, inputs, sizeof inputs) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            reds_inference inference;
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            reds_begin(&model, &inference);
            do {
                mark();
            } while (reds_run_layer(&model, &inference));
            call(WRITE, 1, (long)reds_output(&model), (long)reds_output_bytes(&model));
        }
    }
    call(EXIT, 0, 0, 0);
}
