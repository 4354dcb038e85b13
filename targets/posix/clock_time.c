/* Nanoseconds of the monotonic clock. */
#include <time.h>

#include "clock.h"

const port_clock posix_clock = {"ns", 1000000000};

bool clock_start(void)
{
    return true;
}

uint32_t port_ticks(uint32_t clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}
