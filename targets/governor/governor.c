/* Begin, choose with patience, learn from what inferences took. */
#include "governor.h"
#include "policies.h"

#include <stddef.h>

enum {
    MOST_STRETCH = 256 * 1024, /* products with it fit 64 bits */
    FORGOTTEN = 32,            /* one in so many parts of the excess is forgotten with each report */
};

const char *reds_governor_begin(reds_governor *governor, const reds_cost *costs, uint32_t subnets,
                                const reds_rules *rules)
{
    if (subnets == 0 || subnets == REDS_WAIT) {
        return "a governor needs the costs of at least one subnet";
    }
    for (uint32_t i = 0; i < subnets; i++) {
        if (costs[i].us == 0) {
            return "a subnet takes 0 us: the time of an inference is at least 1";
        }
        if (i > 0 && (costs[i].us < costs[i - 1].us || costs[i].nj < costs[i - 1].nj)) {
            return "a subnet costs less than a smaller one: list the smallest first, or raise its cost";
        }
    }
    if (rules->policy == NULL) {
        return "the rules name no policy: set it to reds_deadline or another one";
    }
    if (rules->policy == reds_fixed && rules->fixed >= subnets) {
        return "the rules' fixed subnet is not in the table of costs";
    }
    const int neutral = rules->policy == reds_energy_neutral || rules->policy == reds_deadline_and_energy;
    if (neutral && (rules->period_us == 0 || rules->horizon_us < rules->period_us)) {
        return "the rules need a period of at least 1 us and a horizon of at least a period";
    }
    if (neutral && rules->target_nj < rules->reserve_nj) {
        return "the rules' target is below the reserve: a store is never used below its reserve";
    }
    const uint32_t share =
        rules->horizon_us == 0 ? 0 : (uint32_t)(((uint64_t)rules->period_us << 16) / rules->horizon_us);
    *governor = (reds_governor){
        .costs = costs,
        .subnets = subnets,
        .rules = *rules,
        .current = rules->policy == reds_fixed ? rules->fixed : subnets - 1,
        .share = share > 65536 ? 65536 : share,
        .stretch = REDS_UNSTRETCHED,
    };
    return NULL;
}

uint32_t reds_choose(reds_governor *governor, const reds_resources *now)
{
    uint32_t most = governor->rules.policy(governor, now);
    if (most != REDS_WAIT && most >= governor->subnets) {
        most = governor->subnets - 1;
    }
    if (governor->rules.hot_celsius != 0 && now->celsius >= governor->rules.hot_celsius) {
        most = reds_smaller(most, 0);
    }
    if (most == REDS_WAIT) {
        governor->rising = 0;
        governor->left = 0;
        return REDS_WAIT;
    }
    if (most <= governor->current) {
        governor->current = most;
        governor->rising = 0;
    } else {
        governor->afforded = governor->rising == 0 ? most : reds_smaller(governor->afforded, most);
        if (governor->rising++ >= governor->rules.patience) {
            governor->current = governor->afforded;
            governor->rising = 0;
        }
    }
    governor->left = reds_left_percent(now->load_percent);
    return governor->current;
}

void reds_ran(reds_governor *governor, uint32_t us)
{
    if (governor->left == 0) {
        return;
    }
    const uint64_t expected = (uint64_t)governor->costs[governor->current].us * 100;
    const uint64_t took = (uint64_t)us * governor->left;
    governor->left = 0; /* one report for each inference */
    /* Forget a part of the excess, at least 1, so that a single slow inference is forgotten at last. */
    governor->stretch -= (governor->stretch - REDS_UNSTRETCHED + FORGOTTEN - 1) / FORGOTTEN;
    /* Both sides are below 2^57. A division, which is slow, is only made to learn. */
    if (took * 256 > expected * governor->stretch) {
        const uint64_t stretch = (took * 256 + expected - 1) / expected;
        governor->stretch = stretch < MOST_STRETCH ? (uint32_t)stretch : MOST_STRETCH;
    }
}
