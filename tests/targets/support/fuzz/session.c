/* Fuzz target: the whole agent answers a session of any records `size u16, command u8, sequence u8,
 * payload`. Each record is sent as a frame with a valid checksum, or as raw bytes if the top bit of its
 * size is set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../targets/agent/agent.h"
#include "../../../../targets/agent/port.h"
#include "../../../../targets/runtime/crc32.h"

enum { STORE = 1 << 15, PAGE = 4096, ARENA = 1 << 14, INPUTS = 4096 };
static uint8_t store[STORE] __attribute__((aligned(16)));
static int8_t arena[ARENA] __attribute__((aligned(16)));
static int8_t inputs[INPUTS];
static const port_clock clocks[] = {{"ns", 1000000000}};
const port_facts port = {"fuzz", false, clocks, 1, arena, ARENA, inputs, INPUTS, store, STORE, PAGE};

static uint8_t line[1 << 18];
static size_t line_bytes, line_read;
static long answers, errors, texts;
static bool at_start = true;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fuzz_report(void);

size_t port_read(uint8_t *bytes, size_t max)
{
    size_t left = line_bytes - line_read, count = left < max ? left : max;
    memcpy(bytes, line + line_read, count);
    line_read += count;
    return count;
}

void port_write(const uint8_t *bytes, size_t size)
{
    if (at_start && size > 1) { /* the length of a COBS block, then the command */
        answers += bytes[1] != (COMMAND_ERROR | PROTOCOL_ANSWER);
        errors += bytes[1] == (COMMAND_ERROR | PROTOCOL_ANSWER);
    }
    static const char ready[] = "m-ready\r\n";
    size_t end = sizeof ready - 1;
    bool text = size >= end && memcmp(bytes + size - end, ready, end) == 0;
    texts += text;
    at_start = text || (size == 1 && bytes[0] == 0);
}

uint32_t port_ticks(uint32_t clock)
{
    static uint32_t now;
    return clock + (now += 1 << 20); /* about a millisecond: long requests end */
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

bool port_erase(uint32_t at)
{
    if (at % PAGE != 0 || at >= STORE) {
        abort();
    }
    memset(store + at, 0xff, PAGE);
    return true;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    if (at % 4 != 0 || at + 4 * count > STORE) {
        abort();
    }
    memcpy(store + at, words, 4 * count);
    return true;
}

static void add(const uint8_t *bytes, size_t size)
{
    size_t room = sizeof line - line_bytes;
    memcpy(line + line_bytes, bytes, size < room ? size : room);
    line_bytes += size < room ? size : room;
}

/* COBS, written independently of the agent's. */
static void add_frame(const uint8_t *body, size_t size)
{
    static uint8_t sealed[1 << 17];
    memcpy(sealed, body, size);
    uint32_t crc = reds_crc32(0, body, size);
    for (int i = 0; i < 4; i++) {
        sealed[size++] = (uint8_t)(crc >> (8 * i));
    }
    for (size_t i = 0; i <= size;) {
        uint8_t block[255];
        uint8_t n = 1;
        while (n < 255 && i < size && sealed[i] != 0) {
            block[n++] = sealed[i++];
        }
        block[0] = n;
        add(block, n);
        if (n < 255 || i == size) {
            i++;
        }
    }
    add((const uint8_t *)"", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    line_bytes = line_read = 0;
    add((const uint8_t *)"", 1);
    for (size_t at = 0; at + 2 <= size;) {
        size_t stated = get16(data + at), n = stated & 0x7fff;
        at += 2;
        n = n < size - at ? n : size - at;
        if (stated & 0x8000) {
            add(data + at, n);
        } else {
            add_frame(data + at, n);
        }
        at += n;
    }
    memset(store, 0xff, sizeof store);
    agent_run();
    return 0;
}

void fuzz_report(void)
{
    printf("answers %ld\nerrors %ld\ntexts %ld\n", answers, errors, texts);
}
