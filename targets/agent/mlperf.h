/* The serial protocol of the MLPerf Tiny runner: ASCII commands that end with a percent sign, answered by lines
 * of which the last is `m-ready`. The runner never sends two commands at once. */
#ifndef REDS_MLPERF_H
#define REDS_MLPERF_H

#include "agent.h"

/* Serve a command of text without its percent sign, or NULL for one that was too long. */
void mlperf_serve(agent *a, const char *line);

/* The rest is private to the files of this protocol. */

/* Write to the answer, which is sent when it is full and at the end. */
void say(agent *a, const char *text);
void say_number(agent *a, uint64_t number);
void say_real(agent *a, double value); /* with nine decimals; it is not negative */
void say_flush(agent *a);

/* Read a decimal number of at most `most` and the spaces around it. Return false, and read nothing, if there is none. */
bool read_number(const char **at, uint32_t most, uint32_t *number);

/* Commands take what follows their name. They return NULL, or say what is wrong. */
const char *mlperf_db(agent *a, const char *at);
const char *mlperf_infer(agent *a, const char *at);

/* The benchmark's nets by the number of their inputs, and what the runner sends for each input. */
typedef enum { MLPERF_INT8, MLPERF_UINT8, MLPERF_FLOAT } mlperf_input;

typedef struct {
    const char *name;
    uint32_t inputs;
    mlperf_input sent;
} mlperf_net;

/* Return the benchmark's net that the loaded pack is, or one with an empty name that takes int8. */
const mlperf_net *mlperf_net_of(const agent *a);

#endif
