/* test_region.c - anonymous shared mappings: what a child writes the parent reads; sizes that cannot be are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "region.h"

static int fail_mmap, fail_madvise;

void *__real_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t offset);
int __real_madvise(void *addr, size_t n, int advice);
int __wrap_madvise(void *addr, size_t n, int advice);

void *__wrap_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
    if (fail_mmap) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(addr, n, prot, flags, fd, offset);
}

int __wrap_madvise(void *addr, size_t n, int advice)
{
    if (fail_madvise) {
        errno = EINVAL;
        return -1;
    }
    return __real_madvise(addr, n, advice);
}

static void child_writes(void **state)
{
    struct region r;
    int status;
    pid_t pid;

    (void)state;
    for (fail_madvise = 0; fail_madvise <= 1; fail_madvise++) {
        assert_int_equal(regions_map(&r, 1, 5 << 20), 0);
        assert_int_equal((uintptr_t)r.base % REGION_HUGE_PAGE, 0);
        assert_true(r.bytes >= 5 << 20);
        pid = fork();
        if (pid == 0) {
            region_warm(&r, r.bytes / 2);
            region_warm(&r, r.bytes);
            memset(r.base, 'x', r.bytes);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        region_expose(&r, 123, r.bytes - 123);
        for (size_t i = 0; i < r.bytes; i += 4095)
            assert_int_equal(r.base[i], 'x');
        assert_int_equal(*r.warm_bytes, fail_madvise ? SIZE_MAX : *r.warm_bytes);
        regions_unmap(&r, 1);
    }
    fail_madvise = 0;
}

static void refused(void **state)
{
    struct region r;

    (void)state;
    assert_int_equal(regions_map(&r, 1, 0), -1);
    assert_int_equal(regions_map(&r, 1, SIZE_MAX - 4096), -1);
    assert_int_equal(errno, EOVERFLOW);
    fail_mmap = 1;
    assert_int_equal(regions_map(&r, 1, 4096), -1);
    assert_int_equal(errno, ENOMEM);
    fail_mmap = 0;
    regions_unmap(&r, 1); /* of nothing */
}

/* Each has its own pages, and its own count of the warm ones. */
static void side_by_side(void **state)
{
    enum { N = 5 };
    struct region r[N];

    (void)state;
    assert_int_equal(regions_map(r, N, 3 << 20), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal((uintptr_t)r[i].base % REGION_HUGE_PAGE, 0);
        assert_int_equal(r[i].bytes, 4 << 20);
        assert_int_equal(*r[i].warm_bytes, 0);
        region_warm(&r[i], r[i].bytes);
        memset(r[i].base, i + 1, r[i].bytes);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(r[i].base[0], i + 1);
        assert_int_equal(r[i].base[r[i].bytes - 1], i + 1);
        assert_true(*r[i].warm_bytes == r[i].bytes || *r[i].warm_bytes == SIZE_MAX);
    }
    regions_unmap(r, N);
    assert_null(r[N - 1].base);
}

/* The mapping is neither a file nor in /dev/shm: the kernel calls an anonymous shared one "/dev/zero (deleted)". */
static void anonymous(void **state)
{
    struct region r;
    char line[512];
    int found = 0;
    FILE *maps;

    (void)state;
    assert_int_equal(regions_map(&r, 1, 1 << 20), 0);
    maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;

        assert_int_equal(sscanf(line, "%lx-%lx", &from, &to), 2);
        if (from <= (uintptr_t)r.base && (uintptr_t)r.base < to) {
            found = 1;
            assert_non_null(strstr(line, "rw-s"));
            assert_non_null(strstr(line, "/dev/zero (deleted)"));
        }
    }
    fclose(maps);
    assert_true(found);
    regions_unmap(&r, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_writes), cmocka_unit_test(refused),
        cmocka_unit_test(side_by_side), cmocka_unit_test(anonymous),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
