/*
 * resources.c - how many workers and how much memory this process may use, and which rule said so.
 */
#include "resources.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* ---- small files of numbers ------------------------------------------------------------------------------------ */

/* The first number of a file; "max" and whatever is no number are false. */
static bool read_number(const char *path, const char *file, uint64_t *number)
{
    char name[PATH_BYTES + 64];
    unsigned long long n;
    bool found;
    FILE *f;

    snprintf(name, sizeof name, "%s/%s", path, file);
    f = fopen(name, "re");
    if (f == NULL)
        return false;
    found = fscanf(f, "%llu", &n) == 1;
    fclose(f);
    *number = n;
    return found;
}

/* The value of 'key' in a file of "key value" lines. */
static bool read_key(const char *path, const char *key, uint64_t *number)
{
    char line[256], word[128];
    unsigned long long n;
    bool found = false;
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, "%127[^: \t]%*[: \t]%llu", word, &n) == 2 && strcmp(word, key) == 0;
    fclose(f);
    if (found)
        *number = n;
    return found;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- cgroups --------------------------------------------------------------------------------------------------- */

/*
 * This process's cgroup for a v1 controller, or for v2 (controller ""), as a folder; false when there is none. Inside a
 * container the path of /proc/self/cgroup may not exist below the mount: then the mount itself is ours.
 */
static bool cgroup_folder(const char *controller, const char *mount, char folder[PATH_BYTES])
{
    char line[PATH_BYTES], wanted[64];
    bool found = false;
    FILE *f = fopen("/proc/self/cgroup", "re");

    if (f == NULL)
        return false;
    snprintf(wanted, sizeof wanted, ",%s,", controller);
    while (!found && fgets(line, sizeof line, f) != NULL) {
        char *names = strchr(line, ':'), *path = names != NULL ? strchr(names + 1, ':') : NULL, list[256];

        if (path == NULL)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        snprintf(list, sizeof list, ",%s,", names + 1);
        found = *controller == '\0' ? strcmp(list, ",,") == 0 : strstr(list, wanted) != NULL;
        if (found)
            snprintf(folder, PATH_BYTES, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
    }
    fclose(f);
    if (found && access(folder, R_OK) != 0)
        snprintf(folder, PATH_BYTES, "%s", mount);
    return found;
}

/* From a cgroup to the one above it; false at the top. */
static bool go_up(char *folder, const char *mount)
{
    char *slash = strrchr(folder, '/');

    if (strlen(folder) <= strlen(mount) || slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* The smallest of a limit over the cgroup and those above it. */
static uint64_t cgroup_room(char *folder, const char *mount, const char *limit_file, const char *used_file,
                            const char *stat_key)
{
    uint64_t room = UINT64_MAX;

    do {
        uint64_t limit, used = 0, cache = 0;
        char stat[PATH_BYTES + 16];

        if (read_number(folder, limit_file, &limit) && limit < UINT64_MAX / 4) {
            (void)read_number(folder, used_file, &used);
            snprintf(stat, sizeof stat, "%s/memory.stat", folder);
            (void)read_key(stat, stat_key, &cache);
            used -= smaller(used, cache);
            room = smaller(room, limit - smaller(limit, used));
        }
    } while (go_up(folder, mount));
    return room;
}

static uint64_t cgroup_memory(void)
{
    char folder[PATH_BYTES];
    uint64_t room = UINT64_MAX;

    if (cgroup_folder("", "/sys/fs/cgroup", folder))
        room = smaller(room, cgroup_room(folder, "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"));
    if (cgroup_folder("memory", "/sys/fs/cgroup/memory", folder))
        room = smaller(room, cgroup_room(folder, "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                         "memory.usage_in_bytes", "total_inactive_file"));
    return room;
}

/* CPUs of a quota in a period, rounded up; 0 when there is none. */
static unsigned quota_cpus(uint64_t quota, uint64_t period)
{
    return quota > 0 && quota < UINT64_MAX / 4 && period > 0 ? (unsigned)((quota + period - 1) / period) : 0;
}

/* Version 2 has both numbers in one file, "max" for no quota. */
static unsigned quota_v2(const char *folder)
{
    char name[PATH_BYTES + 16];
    unsigned long long quota = 0, period = 0;
    FILE *f;

    snprintf(name, sizeof name, "%s/cpu.max", folder);
    f = fopen(name, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu %llu", &quota, &period) != 2)
        quota = 0;
    fclose(f);
    return quota_cpus(quota, period);
}

static unsigned quota_v1(const char *folder)
{
    uint64_t quota, period;

    return read_number(folder, "cpu.cfs_quota_us", &quota) && read_number(folder, "cpu.cfs_period_us", &period)
               ? quota_cpus(quota, period) : 0;
}

/* The smallest quota of the cgroup and those above it: Slurm limits the job, and runs us in a task of a step of it. */
static unsigned smallest_quota(char *folder, const char *mount, unsigned (*quota_of)(const char *folder))
{
    unsigned smallest = 0;

    do {
        unsigned n = quota_of(folder);

        if (n > 0 && (smallest == 0 || n < smallest))
            smallest = n;
    } while (go_up(folder, mount));
    return smallest;
}

static unsigned cgroup_cpus(void)
{
    char folder[PATH_BYTES];
    unsigned n = 0;

    if (cgroup_folder("", "/sys/fs/cgroup", folder))
        n = smallest_quota(folder, "/sys/fs/cgroup", quota_v2);
    if (n == 0 && cgroup_folder("cpu", "/sys/fs/cgroup/cpu", folder))
        n = smallest_quota(folder, "/sys/fs/cgroup/cpu", quota_v1);
    return n;
}

/* ---- the two answers ------------------------------------------------------------------------------------------- */

static uint64_t environment_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    unsigned long long n;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    n = strtoull(text, &end, 10);
    return *end == '\0' ? n : 0;
}

static unsigned affinity_cpus(void)
{
    for (int n_cpus = 1024; n_cpus <= 1 << 20; n_cpus *= 4) { /* the kernel may know more CPUs than fit */
        cpu_set_t *set = CPU_ALLOC((size_t)n_cpus);
        size_t bytes = CPU_ALLOC_SIZE((size_t)n_cpus);
        unsigned n = 0;

        if (set == NULL)
            return 1;
        if (sched_getaffinity(0, bytes, set) == 0)
            n = (unsigned)CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (n > 0)
            return n;
    }
    return 1;
}

/* What Slurm gave this task, or else, where nobody asked for CPUs, the job on this node; 0 outside of Slurm. */
static uint64_t slurm_cpus(const char **rule)
{
    uint64_t n = environment_number(*rule = "SLURM_CPUS_PER_TASK");

    return n > 0 ? n : environment_number(*rule = "SLURM_CPUS_ON_NODE");
}

static void find_jobs(struct resources *l)
{
    const char *slurm_rule;
    unsigned quota = cgroup_cpus();
    uint64_t slurm = slurm_cpus(&slurm_rule);

    l->jobs = affinity_cpus();
    l->jobs_rule = "affinity mask";
    if (quota > 0 && quota < l->jobs) {
        l->jobs = quota;
        l->jobs_rule = "cgroup quota";
    }
    if (slurm > 0 && slurm < l->jobs) {
        l->jobs = (unsigned)slurm;
        l->jobs_rule = slurm_rule;
    }
}

static uint64_t slurm_memory(void)
{
    const uint64_t mib = 1 << 20;
    uint64_t node = environment_number("SLURM_MEM_PER_NODE"), cpu = environment_number("SLURM_MEM_PER_CPU");
    const char *rule;
    uint64_t n_cpus = slurm_cpus(&rule);

    if (node > 0)
        return node * mib;
    return cpu > 0 ? cpu * (n_cpus > 0 ? n_cpus : 1) * mib : UINT64_MAX;
}

/* What an address-space limit (ulimit -v) leaves: mappings count there, touched or not. */
static uint64_t address_space(void)
{
    struct rlimit limit;
    uint64_t pages = 0, used;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    (void)read_number("/proc/self", "statm", &pages);
    used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return limit.rlim_cur - smaller(limit.rlim_cur, used);
}

/* What strict overcommit leaves: there too a mapping counts in full. */
static uint64_t commit_room(void)
{
    uint64_t mode, limit, committed;

    if (!read_number("/proc/sys/vm", "overcommit_memory", &mode) || mode != 2 ||
        !read_key("/proc/meminfo", "CommitLimit", &limit) || !read_key("/proc/meminfo", "Committed_AS", &committed))
        return UINT64_MAX;
    return (limit - smaller(limit, committed)) * 1024;
}

static void lower_memory(struct resources *l, uint64_t bytes, const char *rule)
{
    if (bytes < l->memory_bytes) {
        l->memory_bytes = bytes;
        l->memory_rule = rule;
    }
}

static void find_memory(struct resources *l)
{
    uint64_t available = 0;

    if (!read_key("/proc/meminfo", "MemAvailable", &available))
        available = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    l->memory_bytes = available * 1024;
    l->memory_rule = "half of the machine's available memory";
    lower_memory(l, cgroup_memory(), "half of what the cgroup leaves");
    lower_memory(l, slurm_memory(), "half of what Slurm granted");
    lower_memory(l, address_space(), "half of what ulimit -v leaves");
    lower_memory(l, commit_room(), "half of what strict overcommit leaves");
    l->memory_bytes /= 2;
}

struct resources resources_find(unsigned jobs, uint64_t memory_bytes)
{
    struct resources l = {.ranks = 1};

    find_jobs(&l);
    find_memory(&l);
    if (jobs > 0) {
        l.jobs = jobs;
        l.jobs_rule = "--jobs";
    }
    if (memory_bytes > 0) {
        l.memory_bytes = memory_bytes;
        l.memory_rule = "--memory";
    }
    return l;
}
