/* Count the instructions of this thread outside the kernel with the processor's own counter:
 * perf_event_open(2). An emulated processor counts them exactly, whereas its time depends on the host. */
#define _GNU_SOURCE /* syscall */
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

const port_clock posix_clock = {"instructions", 0};

static int counter = -1;

bool clock_start(void)
{
    struct perf_event_attr event;
    memset(&event, 0, sizeof event);
    event.type = PERF_TYPE_HARDWARE;
    event.size = sizeof event;
    event.config = PERF_COUNT_HW_INSTRUCTIONS;
    event.exclude_kernel = 1;
    event.exclude_hv = 1;
    counter = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
    if (counter < 0) {
        perror("cannot count instructions on this machine");
    }
    return counter >= 0;
}

uint32_t port_ticks(uint32_t clock)
{
    (void)clock;
    uint64_t count;
    if (read(counter, &count, sizeof count) != (ssize_t)sizeof count) {
        _exit(1);
    }
    return (uint32_t)count;
}
