/* What the agent counts with: time.c on a machine that is there, instructions.c on an emulated one,
 * nothing.c where neither means anything. */
#ifndef REDS_POSIX_CLOCK_H
#define REDS_POSIX_CLOCK_H

#include <stdbool.h>

#include "../agent/port.h"

/* The one clock, if PORT_CLOCKS is 1; port_ticks reads it. */
extern const port_clock posix_clock;

/* To be called once, ahead of port_ticks. False, and a line on standard error: it does not count here. */
bool clock_start(void);

#endif
