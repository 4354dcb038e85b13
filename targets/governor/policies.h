/* Parts of the policies that the governor itself needs. */
#ifndef REDS_POLICIES_H
#define REDS_POLICIES_H

#include <stdint.h>

/* Parts of 256: an inference takes what is expected. */
#define REDS_UNSTRETCHED 256u

/* Return the share of the processor that a load leaves, at least 1 %. */
uint32_t reds_left_percent(uint8_t load_percent);

#endif
