/* The agent's clock: clock_time.c on a real machine, clock_instructions.c on an emulated one that counts
 * them, clock_nothing.c on an emulated one that does not. */
#ifndef REDS_POSIX_CLOCK_H
#define REDS_POSIX_CLOCK_H

#include <stdbool.h>

#include "../agent/port.h"

/* The clock that port_ticks reads, if PORT_CLOCKS is 1. */
extern const port_clock posix_clock;

/* Start the clock before port_ticks is called. Return false, after a line on standard error, if it cannot
 * count. */
bool clock_start(void);

#endif
