/* Let a governor choose the subnet of each inference over a day of sun, from a capacitor. */
#include <governor.h>
#include <reds.h>
#include <stdio.h>

extern const uint8_t net[], net_end[]; /* net.S */
static int8_t arena[4096] __attribute__((aligned(16)));

enum { SUBNETS = 4 }; /* of net.reds */

/* Made up. `reds costs net.reds --c` prints those of your board. */
static const reds_cost costs[SUBNETS] = {{580, 12000}, {940, 19000}, {1300, 26000}, {1700, 34000}};

static const reds_rules rules = {
    .policy = reds_deadline_and_energy,
    .margin_percent = 10,
    .patience = 4,
    .period_us = 1000000,     /* one inference a second */
    .horizon_us = 1800000000, /* a surplus is spent within half an hour */
    .target_nj = 5000000,
    .reserve_nj = 1000000,
};

/* Stand in for a solar cell: microwatts in each hour. */
static const uint32_t sun[24] = {0,  0,  0,  0,  0,  0, 2, 8, 16, 24, 32, 40,
                                 44, 40, 32, 24, 16, 8, 2, 0, 0,  0,  0,  0};

int main(void)
{
    reds_model model;
    reds_governor governor;
    if (reds_load(&model, net, (size_t)(net_end - net), arena, sizeof arena) != REDS_OK ||
        reds_subnets(&model) != SUBNETS ||
        reds_governor_begin(&governor, costs, reds_subnets(&model), &rules) != NULL) {
        return 1;
    }
    uint64_t stored_nj = 20000000;
    for (uint32_t hour = 0; hour < 24; hour++) {
        uint32_t ran[SUBNETS + 1] = {0}; /* inferences of each subnet, then waits */
        for (uint32_t second = 0; second < 3600; second++) {
            const reds_resources now = {stored_nj, sun[hour], 100000, 0, 20};
            const uint32_t subnet = reds_choose(&governor, &now);
            if (subnet != REDS_WAIT) {
                reds_select(&model, subnet);
                reds_run(&model); /* of features that a real device writes first */
                reds_ran(&governor, costs[subnet].us);
                stored_nj -= costs[subnet].nj;
            }
            ran[subnet == REDS_WAIT ? SUBNETS : subnet]++;
            stored_nj += sun[hour] * 1000; /* one microwatt for a second is 1000 nJ */
        }
        printf("%02u:00  %5u %5u %5u %5u  wait %5u  store %5.1f mJ\n", (unsigned)hour, (unsigned)ran[0],
               (unsigned)ran[1], (unsigned)ran[2], (unsigned)ran[3], (unsigned)ran[4],
               (double)stored_nj / 1e6);
    }
    return 0;
}
