/* power SEED STATES BEFORE UPDATE ASK: cut the power at every flash operation of an update, and count which pack
 * answers after it.
 *
 * The files are streams of frames: what brings the board to its state, the update, and questions about the loaded
 * pack. An operation is the erasure of a page or the writing of a word. Each is cut before, after, and in its
 * middle, in states with any bits. Then the update is repeated, cut at a random operation, and done. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../targets/agent/agent.h"
#include "../../../targets/agent/port.h"

enum { STORE = 4096, PAGE = 64, ARENA = 1 << 14, INPUTS = 4096, LINE = 1 << 16, ANSWER = 1 << 13 };
enum { BEFORE, AFTER, SOME_BITS, ANY_BITS }; /* what a cut leaves of an operation */

typedef struct {
    uint8_t bytes[LINE];
    size_t size;
} stream;
typedef struct {
    uint8_t bytes[ANSWER];
    size_t size;
} answers;

static uint8_t store[STORE] __attribute__((aligned(16)));
static int8_t arena[ARENA] __attribute__((aligned(16)));
static int8_t inputs[INPUTS];
static const port_clock clocks[] = {{"ns", 1000000000}};
const port_facts port = {"power", false, clocks, 1, arena, ARENA, inputs, INPUTS, store, STORE, PAGE};

static const stream *line;
static size_t line_read;
static answers said;
static long operations, cut_at; /* counted from 1; never cut at 0 */
static int pattern;
static jmp_buf power_off;
static uint64_t random_state;

static uint32_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

size_t port_read(uint8_t *bytes, size_t max)
{
    size_t left = line->size - line_read, count = left < max ? left : max;
    memcpy(bytes, line->bytes + line_read, count);
    line_read += count;
    return count;
}

void port_write(const uint8_t *bytes, size_t size)
{
    if (size > sizeof said.bytes - said.size) {
        abort();
    }
    memcpy(said.bytes + said.size, bytes, size);
    said.size += size;
}

uint32_t port_ticks(uint32_t clock)
{
    return clock;
}

uint32_t port_mask(void)
{
    return 0;
}

bool port_unmask(uint32_t before)
{
    (void)before;
    return true;
}

void port_marker(bool high)
{
    (void)high;
}

uint32_t port_stack_room(void)
{
    return 32 << 10;
}

/* Bring a word to its new value, unless the power is cut here. */
static void change(uint32_t at, uint32_t to, int leaves)
{
    uint32_t word = get32(store + at), bits = random_word() & random_word();
    if (leaves == SOME_BITS) {
        to = (word & ~bits) | (to & bits);
    } else if (leaves == ANY_BITS) {
        to = random_word();
    }
    if (leaves != BEFORE) {
        put32(store + at, to);
    }
}

bool port_erase(uint32_t at)
{
    if (at % PAGE != 0 || at >= STORE) {
        abort();
    }
    bool cut = ++operations == cut_at;
    for (uint32_t i = 0; i < PAGE; i += 4) {
        int leaves = !cut ? AFTER : pattern < SOME_BITS ? pattern : (int)(random_word() % 4);
        change(at + i, UINT32_MAX, leaves);
    }
    if (cut) {
        longjmp(power_off, 1);
    }
    return true;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    if (at % 4 != 0 || at + 4 * count > STORE) {
        abort();
    }
    for (uint32_t i = 0; i < count; i++) {
        bool cut = ++operations == cut_at;
        if (get32(store + at + 4 * i) != UINT32_MAX) {
            abort(); /* a word is written once after its page is erased */
        }
        change(at + 4 * i, words[i], cut ? pattern : AFTER);
        if (cut) {
            longjmp(power_off, 1);
        }
    }
    return true;
}

/* Power the board on and let it serve a stream; cut the power at an operation. Return whether it came so far. */
static bool serve(const stream *with, long cut, int leaves)
{
    line = with;
    line_read = said.size = 0;
    operations = 0;
    cut_at = cut;
    pattern = leaves;
    if (setjmp(power_off) == 0) {
        agent_run();
        return false;
    }
    return true;
}

static bool answers_as(const stream *ask, const answers *expected)
{
    serve(ask, 0, AFTER);
    return said.size == expected->size && memcmp(said.bytes, expected->bytes, said.size) == 0;
}

static void read_file(const char *path, stream *into)
{
    FILE *file = fopen(path, "rb");
    into->size = file == NULL ? 0 : fread(into->bytes, 1, sizeof into->bytes, file);
    if (file == NULL || into->size == sizeof into->bytes) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static stream before, update, ask;
    static answers old, new, none;
    static uint8_t begun[STORE];
    static long points, counts[4];
    if (argc != 6) {
        fprintf(stderr, "usage: %s SEED STATES BEFORE UPDATE ASK\n", argv[0]);
        return 2;
    }
    random_state = strtoull(argv[1], NULL, 0) * 2 + 1;
    read_file(argv[3], &before);
    read_file(argv[4], &update);
    read_file(argv[5], &ask);

    memset(store, 0xff, sizeof store);
    serve(&ask, 0, AFTER);
    none = said;
    serve(&before, 0, AFTER);
    serve(&ask, 0, AFTER);
    old = said;
    memcpy(begun, store, sizeof store);
    serve(&update, 0, AFTER);
    long last = operations;
    serve(&ask, 0, AFTER);
    new = said;

    for (long cut = 1; cut <= last; cut++) {
        for (int leaves = 0; leaves < (int)strtol(argv[2], NULL, 0); leaves++, points++) {
            memcpy(store, begun, sizeof store);
            for (int again = 0; again < 2; again++) {
                long at = again ? 1 + (long)(random_word() % (uint32_t)last) : cut;
                serve(&update, at, leaves < ANY_BITS ? leaves : ANY_BITS);
                bool is_old = answers_as(&ask, &old), is_new = !is_old && answers_as(&ask, &new);
                counts[is_old ? 0 : is_new ? 1 : answers_as(&ask, &none) ? 2 : 3]++;
                memset(arena, 0x55, sizeof arena);
            }
            serve(&update, 0, AFTER);
            if (!answers_as(&ask, &new)) {
                printf("not updated after a cut at operation %ld\n", cut);
                return 1;
            }
        }
    }
    printf("operations %ld\npoints %ld\n", last, 2 * points);
    printf("old %ld\nnew %ld\nnone %ld\nother %ld\n", counts[0], counts[1], counts[2], counts[3]);
    return 0;
}
