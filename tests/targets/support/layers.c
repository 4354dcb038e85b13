/* layers PACK OTHER < inputs > outputs: run all inputs layer by layer through each subnet of PACK, smallest first,
 * and misuse an inference in every way between its layers. Buffers have just the size that is needed, so that a
 * sanitizer notices a byte too far. OTHER is another pack. */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../targets/runtime/reds.h"

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static uint8_t *read_file(const char *path, size_t *size)
{
    static uint8_t buffer[1 << 21];
    FILE *file = fopen(path, "rb");
    expect(file != NULL, "no file");
    *size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    uint8_t *bytes = malloc(*size);
    memcpy(bytes, buffer, *size);
    return bytes;
}

static uint32_t arena_needed(const uint8_t *pack, size_t size)
{
    static int8_t largest[1 << 20] __attribute__((aligned(16)));
    reds_model model;
    uint32_t most = 0;
    expect(reds_load(&model, pack, size, largest, sizeof largest) == REDS_OK, "a pack is refused");
    for (uint32_t s = 0; s < reds_subnets(&model); s++) {
        most = reds_arena_bytes(&model, s) > most ? reds_arena_bytes(&model, s) : most;
    }
    return most;
}

static void run_by_layer(reds_model *model, uint32_t subnet)
{
    reds_inference inference;
    uint32_t layers = reds_layers(model), other = (subnet + 1) % reds_subnets(model);
    reds_begin(model, &inference);
    for (uint32_t i = 0; i < layers; i++) {
        expect(reds_next_layer(&inference) == i, "the next layer is another");
        if (other != subnet) { /* another subnet stops the inference; its own resumes it */
            reds_select(model, other);
            expect(!reds_run_layer(model, &inference), "a layer of another subnet runs");
            expect(reds_next_layer(&inference) == i, "a stopped inference goes on");
            reds_select(model, subnet);
        }
        expect(reds_run_layer(model, &inference), "a layer does not run");
    }
    expect(reds_next_layer(&inference) == layers, "the output is not there");
    expect(!reds_run_layer(model, &inference), "a layer after the last runs");
    expect(reds_next_layer(&inference) == layers, "the end moves");
}

/* Leave inferences in the middle, mix two of them, and load another pack below one. Only bounds matter. */
static void misuse(reds_model *model, uint32_t subnet, const uint8_t *pack, size_t size, const uint8_t *other,
                   size_t other_size, int8_t *arena, uint32_t arena_bytes)
{
    reds_inference none = {0}, one, two;
    expect(!reds_run_layer(model, &none), "an inference of zeros runs");
    reds_select(model, subnet);
    reds_begin(model, &one);
    reds_run_layer(model, &one);
    reds_begin(model, &two);
    while (reds_run_layer(model, &two) && reds_run_layer(model, &one)) {
        reds_run(model);
    }
    for (uint32_t s = 0; s < reds_subnets(model); s++) {
        reds_select(model, s);
        reds_begin(model, &one);
        reds_run_layer(model, &one);
        expect(reds_load(model, other, other_size, arena, arena_bytes) == REDS_OK, "no other pack");
        while (reds_run_layer(model, &one)) {
        }
        expect(reds_load(model, pack, size, arena, arena_bytes) == REDS_OK, "no first pack");
        while (reds_run_layer(model, &one)) {
        }
    }
    if (other_size <= size) { /* the other pack in the same memory */
        uint8_t *memory = malloc(size);
        memcpy(memory, pack, size);
        expect(reds_load(model, memory, size, arena, arena_bytes) == REDS_OK, "no copy");
        reds_begin(model, &one);
        reds_run_layer(model, &one);
        memcpy(memory, other, other_size);
        expect(reds_load(model, memory, size, arena, arena_bytes) == REDS_OK, "no other in its place");
        while (reds_run_layer(model, &one)) {
        }
        free(memory);
    }
}

int main(int argc, char **argv)
{
    static int8_t inputs[1 << 20];
    size_t size, other_size;
    expect(argc == 3, "usage: layers PACK OTHER < inputs");
    uint8_t *pack = read_file(argv[1], &size), *other = read_file(argv[2], &other_size);
    uint32_t needed = arena_needed(pack, size), others = arena_needed(other, other_size);
    void *arena = NULL;
    needed = needed > others ? needed : others;
    expect(posix_memalign(&arena, 16, needed) == 0, "no memory");
    reds_model model;
    expect(reds_load(&model, pack, size, arena, needed) == REDS_OK, "the pack is refused");
    size_t bytes = reds_input_bytes(&model), count = fread(inputs, 1, sizeof inputs, stdin) / bytes;
    for (uint32_t s = 0; reds_select(&model, s) == REDS_OK; s++) {
        for (size_t i = 0; i < count; i++) {
            memcpy(reds_input(&model), inputs + i * bytes, bytes);
            run_by_layer(&model, s);
            fwrite(reds_output(&model), 1, reds_output_bytes(&model), stdout);
        }
    }
    misuse(&model, 0, pack, size, other, other_size, arena, needed);
    free(arena);
    free(pack);
    free(other);
    return 0;
}
