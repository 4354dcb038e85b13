/* The agent's port for a POSIX system: standard input and output, a pack in memory, the clock of clock.h.
 * It cannot mask interrupts, but notices context switches. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "../agent/port.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../agent/agent.h"
#include "clock.h"

enum { STORE = 16 << 20, ARENA = 8 << 20, INPUTS = 1 << 20, PAGE = 4096 };
enum { STACK_ROOM = 32 << 10, STACK_LEAST = 1 << 20 };

static uint8_t store[STORE] __attribute__((aligned(64)));
static int8_t arena[ARENA] __attribute__((aligned(64)));
static int8_t inputs[INPUTS];

const port_facts port = {
    .board = PORT_BOARD,
    .emulated = PORT_EMULATED,
    .clocks = &posix_clock,
    .clock_count = PORT_CLOCKS,
    .arena = arena,
    .arena_bytes = ARENA,
    .inputs = inputs,
    .inputs_bytes = INPUTS,
    .store = store,
    .store_bytes = STORE,
    .page_bytes = PAGE,
};

size_t port_read(uint8_t *bytes, size_t max)
{
    ssize_t count = read(STDIN_FILENO, bytes, max);
    return count > 0 ? (size_t)count : 0;
}

void port_write(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(STDOUT_FILENO, bytes, size);
        if (count <= 0) {
            _exit(1); /* the host is gone */
        }
        bytes += count;
        size -= (size_t)count;
    }
}

/* Return how often the process has been switched out. */
static uint32_t context_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint32_t)(usage.ru_nivcsw + usage.ru_nvcsw);
}

uint32_t port_mask(void)
{
    return context_switches();
}

bool port_unmask(uint32_t before)
{
    return context_switches() == before;
}

void port_marker(bool high)
{
    (void)high;
}

/* The agent runs on the main thread, whose stack the kernel lets grow to its limit, 8 MB by default. */
uint32_t port_stack_room(void)
{
    struct rlimit stack;
    return getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur >= STACK_LEAST ? STACK_ROOM : 0;
}

bool port_erase(uint32_t at)
{
    memset(store + at, 0xff, PAGE);
    return true;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    memcpy(store + at, words, count * 4);
    return true;
}

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* without it, poll still reports an input that is closed in both directions */
#endif

/* End the process a second after its input ends, even if the network runs forever and nobody reads the
 * input: with the host gone, nothing else would. Until then this thread sleeps in poll, which incoming
 * bytes do not wake. */
static void *watch_host(void *unused)
{
    (void)unused;
    struct pollfd host = {.fd = STDIN_FILENO, .events = POLLRDHUP};
    while (poll(&host, 1, -1) != 1) {
    }
    sleep(1);
    _exit(1);
}

int main(void)
{
    pthread_t watch;
    if (!clock_start() || pthread_create(&watch, NULL, watch_host, NULL) != 0) {
        return 1;
    }
    agent_run();
    return 0;
}
