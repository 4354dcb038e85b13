/* Write lines of text through the buffer of the agent's answers, and read numbers. */
#include "mlperf.h"
#include "port.h"

void say_flush(agent *a)
{
    port_write((const uint8_t *)a->answer, a->mlperf.said);
    a->mlperf.said = 0;
}

void say(agent *a, const char *text)
{
    uint8_t *bytes = (uint8_t *)a->answer;
    for (; *text != 0; text++) {
        if (a->mlperf.said == sizeof a->answer) {
            say_flush(a);
        }
        bytes[a->mlperf.said++] = (uint8_t)*text;
    }
}

/* Say a number with zeros in front, `digits` digits at least. */
static void say_digits(agent *a, uint64_t number, uint32_t digits)
{
    char text[21];
    uint32_t at = sizeof text - 1;
    text[at] = 0;
    for (; number != 0 || digits > 0; number /= 10, digits -= digits > 0) {
        text[--at] = (char)('0' + number % 10);
    }
    say(a, text + at);
}

void say_number(agent *a, uint64_t number)
{
    say_digits(a, number, 1);
}

void say_real(agent *a, double value)
{
    enum { NANO = 1000000000 };
    const double most = 9e9;
    uint64_t nano = (uint64_t)((value < most ? value : most) * NANO + 0.5);
    say_digits(a, nano / NANO, 1);
    say(a, ".");
    say_digits(a, nano % NANO, 9);
}

bool read_number(const char **at, uint32_t most, uint32_t *number)
{
    const char *next = *at;
    uint64_t value = 0;
    while (*next == ' ') {
        next++;
    }
    if (*next < '0' || *next > '9') {
        return false;
    }
    for (; *next >= '0' && *next <= '9'; next++) {
        value = value * 10 + (uint32_t)(*next - '0');
        if (value > most) {
            return false;
        }
    }
    while (*next == ' ') {
        next++;
    }
    *at = next;
    *number = (uint32_t)value;
    return true;
}
