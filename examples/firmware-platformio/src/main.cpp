/* Run the pack that is built into this firmware, one subnet after the other. */
#include <reds.h>
#include <stdio.h>

extern const uint8_t net[], net_end[]; /* net.S */
static int8_t arena[4096]
    __attribute__((aligned(16))); /* `reds inspect net.reds` prints the bytes it needs */

static void print_line(const char *line);

/* Stand in for a microphone's features: any values in [-127, 127]. */
static void read_features(int8_t *features, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        features[i] = static_cast<int8_t>(static_cast<int>(i % 255) - 127);
    }
}

static size_t index_of_largest(const int8_t *scores, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; i++) {
        largest = scores[i] > scores[largest] ? i : largest;
    }
    return largest;
}

static void run_every_subnet()
{
    reds_model model;
    reds_status status = reds_load(&model, net, static_cast<size_t>(net_end - net), arena, sizeof arena);
    if (status != REDS_OK) {
        print_line(reds_reason(status));
        return;
    }
    for (unsigned subnet = 0; subnet < reds_subnets(&model); subnet++) {
        reds_select(&model, subnet);
        read_features(reds_input(&model), reds_input_bytes(&model));
        reds_run(&model);
        size_t label = index_of_largest(reds_output(&model), reds_output_bytes(&model));
        char line[80];
        snprintf(line, sizeof line, "subnet %u, %u MACs: class %u, score %d", subnet,
                 static_cast<unsigned>(reds_macs(&model, subnet)), static_cast<unsigned>(label),
                 reds_output(&model)[label]);
        print_line(line);
    }
}

#ifdef ARDUINO
#include <Arduino.h>

static void print_line(const char *line)
{
    Serial.println(line);
}

void setup()
{
    Serial.begin(115200);
}

void loop()
{
    run_every_subnet();
    delay(1000);
}
#else
static void print_line(const char *line)
{
    puts(line);
}

int main()
{
    run_every_subnet();
    return 0;
}
#endif
