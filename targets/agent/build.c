/* The build of this agent, in a file of its own, so that agents of a compiler can share all others. */
#include "agent.h"

#ifndef REDS_BUILD_ID
#error "define REDS_BUILD_ID as the text that build_id.py prints"
#endif

const char agent_build[] = REDS_BUILD_ID;
