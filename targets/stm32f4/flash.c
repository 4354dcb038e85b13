/* The controller of the flash (reference manual RM0090, 3.9). */
#include "flash.h"

#include "../agent/port.h"
#include "emulator.h"

#define ACR REG(0x40023c00)
#define KEYR REG(0x40023c04)
#define SR REG(0x40023c0c)
#define CR REG(0x40023c10)
enum { WAIT_STATES = 5, PREFETCH = 1 << 8, CODE_CACHE = 1 << 9, DATA_CACHE = 1 << 10, RESET_DATA = 1 << 12 };
enum { PROGRAM = 1, ERASE_SECTOR = 2, FIRST_SECTOR = 5 << 3, BY_WORDS = 2 << 8, START = 1 << 16 };
enum { BUSY = 1 << 16, ERRORS = 0xf2 };
#define LOCK (1u << 31)

void flash_start(void)
{
    ACR = WAIT_STATES | PREFETCH | CODE_CACHE | DATA_CACHE;
}

static void unlock(void)
{
    if ((CR & LOCK) != 0) {
        KEYR = 0x45670123;
        KEYR = 0xcdef89ab;
    }
    SR = ERRORS; /* written as 1, they are cleared */
}

/* Wait for the end of an operation. Return whether it succeeded. */
static bool finish(void)
{
    while ((SR & BUSY) != 0) {
    }
    CR = LOCK;
    ACR &= ~(uint32_t)DATA_CACHE; /* it may hold bytes of before */
    ACR |= RESET_DATA;
    ACR &= ~(uint32_t)RESET_DATA;
    ACR |= DATA_CACHE;
    return (SR & ERRORS) == 0;
}

static bool is_blank(uint32_t at)
{
    const volatile uint32_t *sector = (const volatile uint32_t *)(PACK_AT + at);
    uint32_t i = 0;
    while (i < SECTOR_BYTES / sizeof *sector && sector[i] == UINT32_MAX) {
        i++;
    }
    return i == SECTOR_BYTES / sizeof *sector;
}

/* To erase a sector takes a second or two, so a blank one is left as it is: the sectors of a new pack are
 * erased when its record is cleared, and again when its bytes come. */
bool port_erase(uint32_t at)
{
    if (is_blank(at)) {
        return true;
    }
    if (emulator_runs()) {
        emulator_erase(PACK_AT + at, SECTOR_BYTES);
        return true;
    }
    unlock();
    CR = ERASE_SECTOR | BY_WORDS | (FIRST_SECTOR + (at / SECTOR_BYTES << 3));
    CR |= START;
    return finish();
}

/* Flash only clears bits: a word that was not erased is left as it is. */
bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    volatile uint32_t *flash = (volatile uint32_t *)(PACK_AT + at);
    bool done = true;
    if (emulator_runs()) {
        emulator_program(PACK_AT + at, words, count);
    } else {
        unlock();
        CR = PROGRAM | BY_WORDS;
        for (size_t i = 0; i < count; i++) {
            flash[i] = words[i];
            while ((SR & BUSY) != 0) {
            }
        }
        done = finish();
    }
    for (size_t i = 0; done && i < count; i++) {
        done = flash[i] == words[i];
    }
    return done;
}
