/* The flash of the emulated board. Tests cut its power in the middle of an operation: the erasure of a page, or
 * the writing of a word. Then the board starts again with the flash as it is, without its RAM. */
#include <stdbool.h>

#include "../../../agent/port.h"
#include "../map.h"
#include "shared.h"

enum {
    NOTHING,
    ALL,
    SOME_BITS
}; /* what a cut leaves of an operation; more than that: any bits, by this seed */
enum { CUT_DONE = 0xffffffff };

/* Arm v7-M ARM, B3.2.6: a write with the key asks for a reset of the system. */
#define AIRCR REG(0xe000ed0c)
enum { RESET_REQUEST = 0x05fa0004 };

static uint32_t random_word(void)
{
    uint32_t word = CUT_LEAVES;
    word ^= word << 13;
    word ^= word >> 17;
    word ^= word << 5;
    return CUT_LEAVES = word;
}

static bool is_cut(void)
{
    return CUT_IN != 0 && CUT_IN != CUT_DONE && --CUT_IN == 0;
}

/* Bytes on their way to the board are lost, too. */
__attribute__((noreturn)) static void power_off(void)
{
    RING->read = RING->written;
    CUT_IN = CUT_DONE;
    AIRCR = RESET_REQUEST;
    for (;;) {
    }
}

/* Leave a word as a cut does that comes while it changes. */
static void tear(volatile uint32_t *word, uint32_t to)
{
    if (CUT_LEAVES >= SOME_BITS) {
        uint32_t bits = random_word(), any = random_word();
        to = any % 4 == 0 ? random_word() : (*word & ~bits) | (to & bits);
    }
    if (CUT_LEAVES != NOTHING) {
        *word = to;
    }
}

bool port_erase(uint32_t at)
{
    volatile uint32_t *page = (volatile uint32_t *)(PACK_AT + at);
    bool cut = is_cut();
    for (uint32_t i = 0; i < PAGE_BYTES / sizeof *page; i++) {
        if (cut) {
            tear(&page[i], UINT32_MAX);
        } else {
            page[i] = UINT32_MAX;
        }
    }
    if (cut) {
        power_off();
    }
    return true;
}

/* Flash only clears bits: writing a word that was not erased fails here as on the real board. */
bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    volatile uint32_t *flash = (volatile uint32_t *)(PACK_AT + at);
    for (size_t i = 0; i < count; i++) {
        if (is_cut()) {
            tear(&flash[i], words[i]);
            power_off();
        }
        flash[i] &= words[i];
        if (flash[i] != words[i]) {
            return false;
        }
    }
    return true;
}
