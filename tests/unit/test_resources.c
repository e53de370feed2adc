/*
 * test_resources.c - which bound wins: affinity, cgroups of both versions, Slurm. The kernel's files are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resources.h"

static const uint64_t MIB = 1 << 20;

/* What stands in the kernel's files; all others of them do not exist. */
static struct {
    const char *path, *text;
} files[8];
static size_t n_files;

static const char *text_of(const char *path)
{
    for (size_t i = 0; i < n_files; i++)
        if (strcmp(files[i].path, path) == 0)
            return files[i].text;
    return NULL;
}

FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_access(const char *path, int mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    const char *text = text_of(path);

    (void)mode;
    return text == NULL ? NULL : fmemopen((char *)(uintptr_t)text, strlen(text), "r");
}

/* A folder is there when some file in it is. */
int __wrap_access(const char *path, int mode)
{
    (void)mode;
    for (size_t i = 0; i < n_files; i++)
        if (strncmp(files[i].path, path, strlen(path)) == 0)
            return 0;
    return -1;
}

static void put(const char *path, const char *text)
{
    files[n_files].path = path;
    files[n_files++].text = text;
}

static int start(void **state)
{
    (void)state;
    n_files = 0;
    put("/proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable: 4194304 kB\n");
    unsetenv("SLURM_CPUS_PER_TASK");
    unsetenv("SLURM_CPUS_ON_NODE");
    unsetenv("SLURM_MEM_PER_NODE");
    unsetenv("SLURM_MEM_PER_CPU");
    return 0;
}

static void memory_is(uint64_t mib, const char *rule)
{
    struct resources l = resources_find(0, 0);

    assert_int_equal(l.memory_bytes / MIB, mib);
    assert_non_null(strstr(l.memory_rule, rule));
}

static void one_job(const char *rule)
{
    struct resources l = resources_find(0, 0);

    assert_int_equal(l.jobs, 1);
    assert_string_equal(l.jobs_rule, rule);
}

static void test_machine(void **state)
{
    (void)state;
    memory_is(2048, "the machine");
    assert_string_equal(resources_find(0, 0).jobs_rule, "affinity mask");
    assert_string_equal(resources_find(3, 0).jobs_rule, "--jobs");
    assert_int_equal(resources_find(3, 0).jobs, 3);
    assert_string_equal(resources_find(0, 5).memory_rule, "--memory");
    assert_true(resources_find(0, 5).region_bytes == 0 && resources_find(0, 5).aside_bytes == 0);
    assert_null(resources_find(0, 5).widest);
}

/* The limits are the job's; we are in a task of it, whose folder has none. */
static void test_cgroup_v2(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/job_1/step_0/task_0\n");
    put("/sys/fs/cgroup/job_1/step_0/task_0/memory.max", "max\n");
    put("/sys/fs/cgroup/job_1/memory.max", "1073741824\n");
    put("/sys/fs/cgroup/job_1/memory.current", "536870912\n");
    put("/sys/fs/cgroup/job_1/memory.stat", "anon 1\ninactive_file 268435456\n");
    put("/sys/fs/cgroup/job_1/step_0/task_0/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/job_1/cpu.max", "50000 100000\n");
    memory_is(384, "cgroup");
    if (resources_find(0, 0).jobs_rule[0] == 'c') /* not on a machine with one CPU */
        one_job("cgroup quota");
    else
        one_job("affinity mask");
}

static void test_cgroup_v1(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:memory:/slurm/uid_0\n1:cpu,cpuacct:/slurm/uid_0\n");
    put("/sys/fs/cgroup/memory/slurm/uid_0/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/slurm/memory.limit_in_bytes", "1073741824\n");
    put("/sys/fs/cgroup/cpu/slurm/uid_0/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/slurm/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/slurm/cpu.cfs_period_us", "100000\n");
    memory_is(512, "cgroup");
    if (resources_find(0, 0).jobs_rule[0] == 'c')
        one_job("cgroup quota");
    else
        one_job("affinity mask");
}

static void test_slurm(void **state)
{
    const char *cpus[] = {"SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK"};

    (void)state;
    setenv("SLURM_MEM_PER_CPU", "300", 1);
    memory_is(150, "Slurm");
    setenv("SLURM_CPUS_ON_NODE", "4", 1);
    memory_is(600, "Slurm");
    setenv("SLURM_CPUS_PER_TASK", "2", 1);
    memory_is(300, "Slurm");
    setenv("SLURM_MEM_PER_NODE", "1000", 1);
    memory_is(500, "Slurm");
    setenv("SLURM_MEM_PER_NODE", "0", 1); /* --mem=0: the whole node */
    unsetenv("SLURM_MEM_PER_CPU");
    memory_is(2048, "the machine");
    unsetenv("SLURM_CPUS_PER_TASK");
    for (size_t i = 0; i < 2; i++) {
        setenv(cpus[i], "1", 1);
        if (resources_find(0, 0).jobs_rule[0] == 'S')
            one_job(cpus[i]);
        else
            one_job("affinity mask");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_machine, start),
        cmocka_unit_test_setup(test_cgroup_v2, start),
        cmocka_unit_test_setup(test_cgroup_v1, start),
        cmocka_unit_test_setup(test_slurm, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
