/* What a program needs to run in QEMU's user mode on a processor that has no system: its start, calls of Linux, and a
 * mark for the plugin that counts instructions. With HOSTED a C library has the calls. A program defines `begin`, which
 * is given the path of its argument, or NULL. */
#ifndef LINUX_CALLS_H
#define LINUX_CALLS_H

#include <stddef.h>
#include <stdint.h>

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

__attribute__((used)) void begin(const char *path); /* called by assembler, where there is no main */

#endif
