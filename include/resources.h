/*
 * resources.h - how many workers and how much memory this process may use, and which rule said so.
 */
#ifndef SHMLOAD_RESOURCES_H
#define SHMLOAD_RESOURCES_H

#include <stddef.h>
#include <stdint.h>

struct resources {
    unsigned jobs;
    const char *jobs_rule;    /* "--jobs", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "cgroup quota" ... */
    unsigned ranks;           /* processes like this one that share the inputs; 1 on one machine */
    uint64_t memory_bytes;    /* for parent and workers together */
    const char *memory_rule;
    uint64_t aside_bytes;     /* not in memory_bytes any more: what the datasets take */
    uint64_t region_bytes;    /* what a worker's region is to have at least; 0: the planner knows */
    const char *widest;       /* the input that wants as much, or NULL */
};

/*
 * jobs, memory_bytes: as given by options, 0 where the machine is to decide:
 * jobs    the smallest of the affinity mask, the CPU quota of the cgroup (rounded up) and SLURM_CPUS_PER_TASK, or
 *         SLURM_CPUS_ON_NODE where that is not set
 * memory  half of the smallest of: what the machine has available, what the cgroup (v1 or v2) leaves, what Slurm
 *         granted (SLURM_MEM_PER_NODE, or SLURM_MEM_PER_CPU times its CPUs), what ulimit -v and strict overcommit leave
 * Source  sched_getaffinity(2), cgroups(7), sbatch(1), proc(5)
 */
struct resources resources_find(unsigned jobs, uint64_t memory_bytes);

#endif
