/* Take an input of the MLPerf Tiny runner: `db load N`, then its bytes as hexadecimal digits. Each value is stored
 * as the net reads it when its last byte arrives, so no more memory is needed than for the net's input. */
#include "mlperf.h"
#include "port.h"

/* Return a feature as the pack stores it: the nearest int8, the even one of two. What is no number is the least. */
static int32_t stored(const agent *a, const uint8_t *bytes)
{
    const double limit = 1000; /* beyond every zero point and every value of int8 */
    float feature;
    memcpy(&feature, bytes, sizeof feature);
    double q = (double)feature / (double)reds_input_scale(&a->model);
    q = q > -limit ? q : -limit;
    q = q < limit ? q : limit;
    int32_t below = (int32_t)(q + limit) - (int32_t)limit;
    double over = q - below;
    return below + (over > 0.5 || (over == 0.5 && (below & 1) != 0)) + reds_input_zero(&a->model);
}

static void take(agent *a, uint8_t byte)
{
    mlperf_state *m = &a->mlperf;
    uint32_t size = m->sent == MLPERF_FLOAT ? sizeof m->part : 1, at = m->taken++;
    m->part[at % size] = byte;
    if (m->taken % size == 0) {
        int32_t q = m->sent == MLPERF_FLOAT   ? stored(a, m->part)
                    : m->sent == MLPERF_UINT8 ? byte - 128
                                              : (int8_t)byte;
        port.inputs[at / size] = (int8_t)(q < -127 ? -127 : q > 127 ? 127 : q);
    }
}

static const char *begin(agent *a, const char *at)
{
    const reds_header *header = (const void *)a->model.pack;
    uint32_t bytes, inputs = (uint32_t)reds_input_bytes(&a->model);
    mlperf_input sent = mlperf_net_of(a)->sent;
    a->mlperf.wanted = a->mlperf.taken = a->input_bytes = 0;
    if (!read_number(&at, UINT32_MAX, &bytes) || *at != 0) {
        return "The number of bytes is needed";
    }
    if (inputs > port.inputs_bytes) {
        return "The agent has no memory for an input of this pack";
    }
    if (bytes == inputs) {
        a->mlperf.sent = (uint8_t)(sent == MLPERF_FLOAT ? MLPERF_INT8 : sent);
    } else if (bytes != 4 * inputs) {
        return "The input of the pack has another number of bytes";
    } else if ((header->flags & REDS_STANDARDIZED) != 0) {
        return "The pack reads standardized features: send them as int8";
    } else {
        a->mlperf.sent = MLPERF_FLOAT;
    }
    a->mlperf.wanted = bytes;
    say(a, "m-[Expecting ");
    say_number(a, bytes);
    say(a, " bytes]\r\n");
    return NULL;
}

static int32_t digit(char text)
{
    if (text >= '0' && text <= '9') {
        return text - '0';
    }
    text |= 0x20; /* lower case */
    return text >= 'a' && text <= 'f' ? text - 'a' + 10 : -1;
}

const char *mlperf_db(agent *a, const char *at)
{
    mlperf_state *m = &a->mlperf;
    if (a->loaded.size == 0) {
        m->wanted = 0;
        return "No pack is loaded";
    }
    at += *at == ' ';
    if (strncmp(at, "load", 4) == 0) {
        return begin(a, at + 4);
    }
    if (*at == 0 || m->taken == m->wanted) {
        return "No bytes are expected: db load N begins an input";
    }
    for (; *at != 0; at += 2) {
        int32_t high = digit(at[0]), low = high < 0 ? -1 : digit(at[1]);
        if (low < 0 || m->taken == m->wanted) {
            m->wanted = m->taken = 0;
            return "Not pairs of hexadecimal digits, or more than were announced: load the input again";
        }
        take(a, (uint8_t)(high << 4 | low));
    }
    if (m->taken == m->wanted) {
        a->input_bytes = (uint32_t)reds_input_bytes(&a->model);
        say(a, "m-load-done\r\n");
    }
    return NULL;
}
