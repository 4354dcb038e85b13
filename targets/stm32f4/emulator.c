/* Files of the host stand for what QEMU's netduinoplus2 lacks.
 *
 * It has no controller of the flash, and its flash is read-only for the processor. A semihosting call that reads
 * a file to the flash is let through.
 *
 * Its USART takes long for each byte. If there is a file called `memory`, the bytes lie in a ring in it, as
 * those of hil/emulators/mailbox.py do. */
#include "emulator.h"

#include "../bare_metal/ring.h"

/* Arm, "Semihosting for AArch32 and AArch64". */
enum { SYS_OPEN = 1, SYS_WRITE = 5, SYS_READ = 6, SYS_SEEK = 10 };
enum { UPDATE = 3 /* r+b */, CREATE = 7 /* w+b */ };

static bool runs;
static uintptr_t words_file, ring_file;

static uintptr_t call(uintptr_t operation, uintptr_t first, uintptr_t second, uintptr_t third)
{
    const uintptr_t arguments[] = {first, second, third};
    register uintptr_t r0 __asm("r0") = operation;
    register const uintptr_t *r1 __asm("r1") = arguments;
    __asm volatile("bkpt #0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void read_at(uintptr_t file, uint32_t at, uintptr_t to, size_t size)
{
    (void)call(SYS_SEEK, file, at, 0);
    (void)call(SYS_READ, file, to, size);
}

static void write_at(uintptr_t file, uint32_t at, const void *from, size_t size)
{
    (void)call(SYS_SEEK, file, at, 0);
    (void)call(SYS_WRITE, file, (uintptr_t)from, size);
}

void emulator_start(void)
{
    static const char words[] = "words", memory[] = "memory";
    runs = true;
    words_file = call(SYS_OPEN, (uintptr_t)words, CREATE, sizeof words - 1);
    ring_file = call(SYS_OPEN, (uintptr_t)memory, UPDATE, sizeof memory - 1);
}

bool emulator_runs(void)
{
    return runs;
}

void emulator_program(uint32_t at, const uint32_t *words, size_t count)
{
    write_at(words_file, 0, words, count * sizeof *words);
    read_at(words_file, 0, at, count * sizeof *words);
}

void emulator_erase(uint32_t at, uint32_t bytes)
{
    uint32_t blank[256];
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++) {
        blank[i] = UINT32_MAX;
    }
    for (uint32_t done = 0; done < bytes; done += (uint32_t)sizeof blank) {
        emulator_program(at + done, blank, sizeof blank / sizeof *blank);
    }
}

bool emulator_has_mailbox(void)
{
    return runs && ring_file != UINTPTR_MAX;
}

size_t emulator_take(uint8_t *bytes, size_t max)
{
    uint32_t counters[2]; /* bytes written and read */
    read_at(ring_file, RING_AT, (uintptr_t)counters, sizeof counters);
    uint32_t from = counters[1] % RING_BYTES, count = counters[0] - counters[1];
    if (count > max) {
        count = (uint32_t)max;
    }
    if (count > RING_BYTES - from) {
        count = RING_BYTES - from;
    }
    if (count > 0) {
        read_at(ring_file, RING_AT + (uint32_t)sizeof counters + from, (uintptr_t)bytes, count);
        counters[1] += count;
        write_at(ring_file, RING_AT + (uint32_t)sizeof counters[0], &counters[1], sizeof counters[1]);
    }
    return count;
}
