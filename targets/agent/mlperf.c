/* Commands of the MLPerf Tiny runner, and one of our own that chooses the subnet. */
#include "mlperf.h"

#include "port.h"
#include "text.h"

static const mlperf_net nets[] = {
    {"kws01", 490, MLPERF_INT8}, {"ic01", 3072, MLPERF_UINT8}, {"vww01", 27648, MLPERF_UINT8},
    {"ad01", 640, MLPERF_FLOAT}, {"", 0, MLPERF_INT8},
};

const mlperf_net *mlperf_net_of(const agent *a)
{
    const mlperf_net *net = nets;
    while (net->inputs != 0 && (a->loaded.size == 0 || net->inputs != reds_input_bytes(&a->model))) {
        net++;
    }
    return net;
}

/* Say at most `most` characters of a text, and close the bracket and the line. */
static void say_in_brackets(agent *a, const char *text, uint32_t most)
{
    char one[2] = {0};
    for (uint32_t i = 0; i < most && text[i] != 0; i++) {
        bool plain = text[i] >= 0x20 && text[i] < 0x7f && text[i] != ']';
        one[0] = plain ? text[i] : '?';
        say(a, one);
    }
    say(a, "]\r\n");
}

static const char *say_name(agent *a, const char *at)
{
    (void)at;
    say(a, "m-name-dut-[");
    say_in_brackets(a, port.board, UINT32_MAX);
    return NULL;
}

static const char *say_profile(agent *a, const char *at)
{
    (void)at;
    const mlperf_net *net = mlperf_net_of(a);
    say(a, "m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[");
    if (a->loaded.size == 0) {
        say(a, "none]\r\n");
    } else if (net->inputs != 0) {
        say_in_brackets(a, net->name, UINT32_MAX);
    } else {
        const reds_header *header = (const void *)a->model.pack;
        say_in_brackets(a, header->name, sizeof header->name);
    }
    return NULL;
}

static const char *select_subnet(agent *a, const char *at)
{
    uint32_t subnet;
    if (a->loaded.size == 0) {
        return "No pack is loaded";
    }
    if (!read_number(&at, UINT32_MAX, &subnet) || *at != 0) {
        return "The index of a subnet is needed: 0 is the smallest";
    }
    if (reds_select(&a->model, subnet) != REDS_OK) {
        return "The pack has no subnet of this index";
    }
    say(a, "m-subnet-[");
    say_in_brackets(a, a->model.plan->label, sizeof a->model.plan->label);
    return NULL;
}

/* Return what follows the name of a command, or NULL if the line is another command. */
static const char *after(const char *line, const char *name)
{
    while (*name != 0 && *line == *name) {
        line++;
        name++;
    }
    return *name == 0 && (*line == 0 || *line == ' ') ? line : NULL;
}

void mlperf_serve(agent *a, const char *line)
{
    static const struct {
        const char *name;
        const char *(*serve)(agent *a, const char *at);
    } commands[] = {
        {"name", say_name},      {"profile", say_profile},  {"db", mlperf_db},
        {"infer", mlperf_infer}, {"subnet", select_subnet},
    };
    const char *problem = "The command is too long", *at = NULL;
    a->mlperf.said = 0;
    if (line != NULL) {
        problem = "Unknown command: ";
        line += *line == '\r' || *line == '\n';
        line += *line == '%'; /* typed twice after the command before */
        for (uint32_t i = 0; at == NULL && i < sizeof commands / sizeof *commands; i++) {
            at = after(line, commands[i].name);
            problem = at != NULL ? commands[i].serve(a, at) : problem;
        }
    }
    if (problem != NULL) {
        say(a, "e-[");
        say(a, problem);
        say_in_brackets(a, line != NULL && at == NULL ? line : "", TEXT_BYTES);
    }
    say(a, "m-ready\r\n");
    say_flush(a);
}
