/* Run inferences for the MLPerf Tiny runner, and tell their time and their result.
 *
 * The time between the laps is that of all inferences with the copies of their input, since an inference may
 * overwrite it. Clocks count modulo 2^32, so each inference adds its ticks to a sum of 64 bits. */
#include "mlperf.h"
#include "port.h"

enum { MOST_SECONDS = 60 }; /* the runner waits for 30 */

static void run(const agent *a)
{
    sample_load_input(a, 0);
    reds_run(&a->model);
}

/* Return the first clock that counts time, or the number of clocks if there is none. */
static uint32_t time_clock(void)
{
    uint32_t clock = 0;
    while (clock < port.clock_count && port.clocks[clock].hz == 0) {
        clock++;
    }
    return clock;
}

/* Run inferences, and return their microseconds, or those until they took too long together. */
static uint64_t microseconds(const agent *a, uint32_t clock, uint32_t count)
{
    uint64_t ticks = 0, hz = port.clocks[clock].hz;
    port_marker(true);
    uint32_t last = port_ticks(clock);
    for (uint32_t i = 0; i < count && ticks < MOST_SECONDS * hz; i++) {
        run(a);
        uint32_t now = port_ticks(clock);
        ticks += now - last;
        last = now;
    }
    port_marker(false);
    return ticks * 1000000 / hz;
}

static void say_lap(agent *a, uint64_t us)
{
    say(a, "m-lap-us-");
    say_number(a, us);
    say(a, "\r\n");
}

/* Return base to the power of n. */
static double power(double base, uint32_t n)
{
    double product = 1;
    for (; n != 0; n >>= 1, base *= base) {
        product *= (n & 1) != 0 ? base : 1;
    }
    return product;
}

/* Return e to the power of -x, for an x that is not negative. */
static double decay(double x)
{
    enum { PARTS = 1024 };
    double part = x / PARTS;
    if (part > 1) {
        return 0; /* less than any double */
    }
    double inverse = 1;
    for (uint32_t i = 12; i > 0; i--) {
        inverse = 1 + inverse * part / i;
    }
    return 1 / power(inverse, PARTS);
}

/* Say the softmax of the outputs. It does not depend on their zero point. */
static void say_softmax(agent *a, const int8_t *outputs, uint32_t count)
{
    double base = decay((double)a->model.plan->output_scale), sum = 0;
    int32_t most = outputs[0];
    for (uint32_t i = 1; i < count; i++) {
        most = outputs[i] > most ? outputs[i] : most;
    }
    for (uint32_t i = 0; i < count; i++) {
        sum += power(base, (uint32_t)(most - outputs[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        say(a, i == 0 ? "" : ",");
        say_real(a, power(base, (uint32_t)(most - outputs[i])) / sum);
    }
}

/* Say the mean squared difference between the input and the output of an autoencoder, as real numbers. */
static void say_error(agent *a, const int8_t *outputs, uint32_t count)
{
    const reds_room *rooms = reds_rooms(a->model.pack, a->model.plan);
    const reds_header *header = (const void *)a->model.pack;
    int32_t zero = rooms[header->layers].zero;
    double scale = (double)a->model.plan->output_scale, read = (double)header->input_scale, sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        double off = (outputs[i] - zero) * scale - (port.inputs[i] - header->input_zero) * read;
        sum += off * off;
    }
    say_real(a, sum / count);
}

static void say_results(agent *a)
{
    const int8_t *outputs = reds_output(&a->model);
    uint32_t count = (uint32_t)reds_output_bytes(&a->model);
    say(a, "m-results-[");
    bool repeats = mlperf_net_of(a)->sent == MLPERF_FLOAT && count == reds_input_bytes(&a->model);
    (repeats ? say_error : say_softmax)(a, outputs, count);
    say(a, "]\r\n");
}

const char *mlperf_infer(agent *a, const char *at)
{
    uint32_t count, warmups = 0, clock = time_clock();
    if (!read_number(&at, UINT32_MAX, &count) || count == 0 ||
        (*at != 0 && !read_number(&at, UINT32_MAX, &warmups)) || *at != 0) {
        return "The number of inferences is needed, and may be followed by that of warm-ups";
    }
    if (a->loaded.size == 0 || a->input_bytes < reds_input_bytes(&a->model)) {
        return "No pack or no input is loaded";
    }
    if (clock == port.clock_count) {
        return "The board has no clock that counts time";
    }
    say(a, "m-warmup-start-");
    say_number(a, warmups);
    say(a, "\r\n");
    say_flush(a);
    if (microseconds(a, clock, warmups) >= (uint64_t)MOST_SECONDS * 1000000) {
        return "The warm-ups take more than a minute: ask for fewer";
    }
    say(a, "m-warmup-done\r\nm-infer-start-");
    say_number(a, count);
    say(a, "\r\n");
    uint64_t us = microseconds(a, clock, count);
    if (us >= (uint64_t)MOST_SECONDS * 1000000) {
        return "The inferences take more than a minute: ask for fewer";
    }
    say_lap(a, a->mlperf.us);
    a->mlperf.us += us;
    say_lap(a, a->mlperf.us);
    say(a, "m-infer-done\r\n");
    say_results(a);
    return NULL;
}
