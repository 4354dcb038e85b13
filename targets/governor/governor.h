/* REDS governor: before each inference, choose the largest subnet that the device can afford, or to wait.
 *
 *   static const reds_cost costs[] = {{2100, 34000}, {3900, 61000}};    // of each subnet, smallest first
 *   static const reds_rules rules = {.policy = reds_deadline_and_energy, .margin_percent = 10, ...};
 *   reds_governor governor;
 *   const char *problem = reds_governor_begin(&governor, costs, 2, &rules);
 *   if (problem) { puts(problem); ... }
 *   for (;;) {
 *       const reds_resources now = {.stored_nj = ..., .income_uw = ..., .deadline_us = ..., .load_percent = 0};
 *       uint32_t subnet = reds_choose(&governor, &now);
 *       if (subnet == REDS_WAIT) { sleep(); continue; }
 *       reds_select(&model, subnet);
 *       ... reds_run(&model) ...
 *       reds_ran(&governor, microseconds_that_it_took);
 *   }
 *
 * No heap, no floating point, no clock of its own and nothing of the runtime: whoever calls it says what the
 * device knows. A decision takes a bounded time, which grows with the number of subnets alone. The same calls
 * give the same decisions on every processor.
 */
#ifndef REDS_GOVERNOR_H
#define REDS_GOVERNOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A decision to run nothing now. */
#define REDS_WAIT UINT32_MAX
/* An inference that nobody waits for. */
#define REDS_NO_DEADLINE UINT32_MAX
/* A store that cannot run empty, such as the mains. */
#define REDS_MAINS UINT64_MAX

/* The cost of an inference of one subnet. Take the 99th percentile of the time, not its median. */
typedef struct {
    uint32_t us; /* microseconds, at least 1 */
    uint32_t nj; /* nanojoules beyond what the device draws while it waits */
} reds_cost;

/* What the device knows before an inference. */
typedef struct {
    uint64_t stored_nj;   /* nanojoules above the voltage at which it browns out; REDS_MAINS */
    uint32_t income_uw;   /* microwatts that come in, less those drawn while waiting; 0 if less comes in */
    uint32_t deadline_us; /* microseconds until the answer is due; REDS_NO_DEADLINE */
    uint8_t load_percent; /* share of the processor that other work takes, at most 99 */
    int16_t celsius;      /* temperature of the device */
} reds_resources;

typedef struct reds_governor reds_governor;

/* A policy: return the largest subnet that the resources afford, or REDS_WAIT. It must not return a smaller
 * subnet, or REDS_WAIT, where one resource is better and none is worse. A function of your own may call those
 * below and return the smallest of their answers by reds_smaller. */
typedef uint32_t (*reds_policy)(const reds_governor *governor, const reds_resources *now);

/* Return rules.fixed, whatever the resources are. */
uint32_t reds_fixed(const reds_governor *governor, const reds_resources *now);

/* Return the largest subnet that ends before the deadline, with the margin, at this load and after what earlier
 * inferences have taken. Where none does only because of those, return subnet 0: to wait would not show that they are
 * faster again. REDS_WAIT: none does by the costs either. */
uint32_t reds_deadline(const reds_governor *governor, const reds_resources *now);

/* Return the largest subnet whose energy comes in within a period, where a store above its target adds to the
 * income, and one below it takes from it, over the horizon; else subnet 0, whose energy the store may have to pay.
 * Never take energy of the reserve. REDS_WAIT: the store cannot pay for subnet 0. */
uint32_t reds_energy_neutral(const reds_governor *governor, const reds_resources *now);

/* Return the smaller answer of reds_deadline and reds_energy_neutral. */
uint32_t reds_deadline_and_energy(const reds_governor *governor, const reds_resources *now);

/* Return the smaller of two decisions. REDS_WAIT is smaller than every subnet. */
uint32_t reds_smaller(uint32_t a, uint32_t b);

/* The rules of a governor. Zeros mean none, where a field allows it. */
typedef struct {
    reds_policy policy;
    uint32_t fixed;         /* subnet of reds_fixed */
    uint8_t margin_percent; /* time and energy that are added to those of the table, 0 to 255 % */
    uint16_t patience;      /* decisions in a row that must afford more before a larger subnet is taken */
    int16_t hot_celsius; /* at this temperature and above only subnet 0 runs; 0: at any temperature all do */
    uint32_t period_us;  /* from one inference to the next; at least 1 for energy-neutral policies */
    uint32_t horizon_us; /* a surplus or a lack of the store is evened out over it; at least a period */
    uint64_t target_nj;  /* energy that the store should hold; at least the reserve */
    uint64_t reserve_nj; /* energy that is never used */
} reds_rules;

/* A governor, in memory of the caller. The fields are private, but for policies: costs, subnets and rules. */
struct reds_governor {
    const reds_cost *costs;
    uint32_t subnets;
    reds_rules rules;
    uint32_t current;  /* subnet of the last inference */
    uint32_t rising;   /* decisions in a row that afforded a larger one */
    uint32_t afforded; /* smallest subnet that those all afforded */
    uint32_t left;     /* percent of the processor that the chosen inference has; 0: none is chosen */
    uint32_t share;    /* of a surplus that one period may use, in parts of 65,536 */
    uint32_t stretch;  /* by which inferences take longer than expected, in parts of 256 */
};

/* Begin with the largest subnet. `costs` has a line for each subnet, smallest first, none below the one before it.
 * They must stay in place; the rules are copied. Return NULL, or a sentence that says which value is wrong: the
 * governor must not be used then. */
const char *reds_governor_begin(reds_governor *governor, const reds_cost *costs, uint32_t subnets,
                                const reds_rules *rules);

/* Return the subnet for the next inference, or REDS_WAIT. A smaller one than before is taken at once, a larger one
 * only after `patience` more decisions in a row that all afforded it. To wait does not change the subnet. */
uint32_t reds_choose(reds_governor *governor, const reds_resources *now);

/* Report the microseconds of the inference that reds_choose chose last. One that took longer than expected makes
 * all later ones expected to take longer; this is forgotten slowly, by 1/32 of the excess with each report. A report
 * without a choice before it, and a second one, count for nothing. */
void reds_ran(reds_governor *governor, uint32_t us);

#ifdef __cplusplus
}
#endif

#endif
