/* run PACK < inputs > outputs: run each input through each subnet, smallest first, once as a whole and once layer by
 * layer, in an arena no larger than needed, with a mark before each layer and after the last. Both outputs are written. Without a pack, the bits of the
 * layouts that the kernels take are written. If the pack is refused, the exit code is the status.
 *
 * With HOSTED the program has a C library and a system. Else it makes the calls of Linux that QEMU's user mode answers
 * on processors that have no system. */
#include <string.h>

#include "../../targets/runtime/reds.h"

#if defined(HOSTED)
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#elif defined(__riscv)
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

#ifndef HOSTED
enum { O_RDONLY = 0, HERE = -100 };

static long open(const char *path, int flags)
{
    return call(OPEN, HERE, (long)path, flags);
}

static long read(int file, void *to, size_t most)
{
    return call(READ, file, (long)to, (long)most);
}

static long write(int file, const void *from, size_t size)
{
    return call(WRITE, file, (long)from, (long)size);
}

__attribute__((noreturn)) static void _exit(int status)
{
    call(EXIT, status, 0, 0);
    for (;;) {
    }
}
#endif

enum { CHUNK = 1 << 16 };

__attribute__((noinline)) void mark(void)
{
    __asm__ volatile("");
}

/* Read to the end of a file, and return the number of bytes. */
static size_t read_all(int file, void *to, size_t most)
{
    size_t had = 0;
    while (had < most) {
        long more = read(file, (uint8_t *)to + had, most - had < CHUNK ? most - had : CHUNK);
        if (more <= 0) {
            break;
        }
        had += (size_t)more;
    }
    return had;
}

static void write_all(const void *from, size_t size)
{
    size_t had = 0;
    while (had < size) {
        long more = write(1, (const uint8_t *)from + had, size - had);
        if (more <= 0) {
            _exit(254);
        }
        had += (size_t)more;
    }
}

void begin(const char *path);

void begin(const char *path)
{
    static _Alignas(16) uint8_t pack[1 << 21];
    static _Alignas(16) int8_t arena[1 << 20], inputs[1 << 18];
    uint32_t layouts = reds_layouts();
    if (path == NULL) {
        write_all(&layouts, sizeof layouts);
        _exit(0);
    }
    reds_model model, tight;
    size_t size = read_all((int)open(path, O_RDONLY), pack, sizeof pack);
    reds_status status = reds_load(&model, pack, size, arena, sizeof arena);
    if (status != REDS_OK) {
        _exit((int)status);
    }
    uint32_t needed = 0;
    for (uint32_t s = 0; s < reds_subnets(&model); s++) {
        uint32_t its = reds_arena_bytes(&model, s);
        needed = its > needed ? its : needed;
    }
    if (reds_load(&tight, pack, size, arena, needed) != REDS_OK) {
        _exit(253);
    }
    size_t bytes = reds_input_bytes(&model), count = read_all(0, inputs, sizeof inputs) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK && reds_select(&tight, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            reds_inference inference;
            memset(arena, 0x55, sizeof arena);
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            reds_run(&model);
            write_all(reds_output(&model), reds_output_bytes(&model));
            memset(arena, 0x7f, sizeof arena);
            memcpy(reds_input(&tight), inputs + i * bytes, bytes);
            reds_begin(&tight, &inference);
            do {
                mark();
            } while (reds_run_layer(&tight, &inference));
            write_all(reds_output(&tight), reds_output_bytes(&tight));
        }
    }
    _exit(0);
}

#ifdef HOSTED
int main(int argc, char **argv)
{
    begin(argc > 1 ? argv[1] : NULL);
}
#endif
