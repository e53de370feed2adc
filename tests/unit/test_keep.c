/*
 * test_keep.c - room that lasts: zeroed, apart, in shared mappings, and refused when there is none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "keep.h"

static size_t largest_mapping = SIZE_MAX;

void *__real_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    if (bytes > largest_mapping) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(address, bytes, protection, flags, fd, offset);
}

static void test_room_is_apart_and_zeroed(void **state)
{
    unsigned char *rooms[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        rooms[i] = keep_room(i + 1, 300);
        assert_non_null(rooms[i]);
        assert_int_equal((uintptr_t)rooms[i] % 16, 0);
        for (size_t k = 0; k < (i + 1) * 300; k++)
            assert_int_equal(rooms[i][k], 0);
        memset(rooms[i], (int)i + 1, (i + 1) * 300);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < (i + 1) * 300; k++)
            assert_int_equal(rooms[i][k], (unsigned char)(i + 1));
    keep_release();
}

/* What a child writes is seen: so it is one mapping, not a copy. */
static void test_room_is_shared(void **state)
{
    int *room = keep_room(1, sizeof *room), status;
    pid_t pid;

    (void)state;
    assert_non_null(room);
    pid = fork();
    if (pid == 0) {
        *room = 17;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(*room, 17);
    keep_release();
}

static void test_copy(void **state)
{
    char *copy = keep_copy("abc", 1, 4);

    (void)state;
    assert_string_equal(copy, "abc");
    assert_null(keep_copy(NULL, 1, 4));
    keep_release();
}

static void test_no_room(void **state)
{
    (void)state;
    assert_null(keep_room(SIZE_MAX, 2));
    assert_null(keep_room(1, SIZE_MAX - 1));
    largest_mapping = 0;
    assert_null(keep_room(1, 1));
    assert_int_equal(errno, ENOMEM);
    largest_mapping = 1 << 20;
    assert_non_null(keep_room(1, 1 << 20));
    assert_non_null(keep_room(1, 1000)); /* as much as all before is not to be had, but this is */
    assert_null(keep_room(1, 2 << 20));
    largest_mapping = SIZE_MAX;
    assert_non_null(keep_room(1, 2 << 20));
    keep_release();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_is_apart_and_zeroed),
        cmocka_unit_test(test_room_is_shared),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
