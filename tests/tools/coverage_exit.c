/*
 * coverage_exit.c - lets the counts of a worker reach the coverage report.
 *
 * Workers leave by _exit(2), past the atexit(3) handlers that write the counts. Coverage builds link this with
 * --wrap=_exit; no other build contains it.
 */
void __gcov_dump(void);
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
