/* test_pool.c - workers at once: words, answers, ends of every kind, signals, no process left. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pool.h"
#include "signals.h"

static int fail_fork;
pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t __wrap_fork(void)
{
    if (fail_fork) {
        errno = EAGAIN;
        return -1;
    }
    return __real_fork();
}

/* What a worker does, told by a word. */
static void work(void *user, int channel)
{
    switch (*(const char *)user) {
    case 'q':
        return;
    case 's':
        if (channel_say(channel, 'r') != 0 || channel_say(channel, 'f') != 0 || channel_await(channel) != 0)
            _exit(7);
        return;
    case 'k':
        raise(SIGKILL);
        return;
    case 'e':
        _exit(3);
    default:
        pause(); /* for ever */
    }
}

static int no_children(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static struct pool_news next(struct pool *p)
{
    struct pool_news news;

    do
        pool_wait(p, 5000, &news);
    while (news.event == POOL_TICK);
    return news;
}

static void words_and_answers(void **state)
{
    struct pool p;
    struct pool_news news;

    (void)state;
    signals_hold();
    assert_int_equal(pool_init(&p, 2), 0);
    assert_int_equal(pool_start(&p, 1, work, &(char){'s'}), 0);
    assert_int_equal(p.n_running, 1);
    news = next(&p);
    assert_int_equal(news.event, POOL_SAID);
    assert_int_equal(news.slot, 1);
    assert_int_equal(news.said, 'r');
    assert_int_equal(next(&p).said, 'f');
    pool_answer(&p, 1);
    news = next(&p);
    assert_int_equal(news.event, POOL_ENDED);
    assert_int_equal(news.wait_status, 0);
    assert_int_equal(p.n_running, 0);
    pool_release(&p);
    signals_release();
    assert_true(no_children());
}

static void every_end(void **state)
{
    struct pool p;
    struct pool_news news;

    (void)state;
    signals_hold();
    assert_int_equal(pool_init(&p, 3), 0);
    assert_int_equal(pool_start(&p, 0, work, &(char){'k'}), 0);
    news = next(&p);
    assert_int_equal(news.event, POOL_ENDED);
    assert_true(WIFSIGNALED(news.wait_status));
    assert_int_equal(WTERMSIG(news.wait_status), SIGKILL);
    assert_int_equal(pool_start(&p, 0, work, &(char){'e'}), 0);
    assert_int_equal(WEXITSTATUS(next(&p).wait_status), 3);
    assert_int_equal(pool_start(&p, 0, work, &(char){'q'}), 0);
    assert_int_equal(next(&p).wait_status, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pool_start(&p, i, work, &(char){'w'}), 0);
    pool_kill(&p, 1);
    assert_int_equal(p.n_running, 2);
    pool_stop(&p);
    assert_int_equal(p.n_running, 0);
    pool_release(&p);
    signals_release();
    assert_true(no_children());
}

static void asked_to_end(void **state)
{
    struct pool p;

    (void)state;
    signals_hold();
    assert_int_equal(signals_caught(), 0);
    assert_int_equal(pool_init(&p, 1), 0);
    assert_int_equal(pool_start(&p, 0, work, &(char){'w'}), 0);
    raise(SIGTERM); /* blocked until the pool sleeps */
    assert_int_equal(signals_caught(), SIGTERM);
    assert_int_equal(next(&p).event, POOL_SIGNAL);
    pool_stop(&p);
    pool_release(&p);
    signals_release();
    assert_true(no_children());
}

static void no_more_processes(void **state)
{
    struct pool p;

    (void)state;
    assert_int_equal(pool_init(&p, 1), 0);
    fail_fork = 1;
    assert_int_equal(pool_start(&p, 0, work, &(char){'q'}), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(p.n_running, 0);
    fail_fork = 0;
    pool_release(&p);
}

/* The channel of a worker that is gone takes an answer without harm. */
static void answer_to_nobody(void **state)
{
    struct pool p;

    (void)state;
    signals_hold();
    assert_int_equal(pool_init(&p, 1), 0);
    assert_int_equal(pool_start(&p, 0, work, &(char){'k'}), 0);
    usleep(50000);
    pool_answer(&p, 0);
    assert_int_equal(next(&p).event, POOL_ENDED);
    pool_release(&p);
    signals_release();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_answers), cmocka_unit_test(every_end), cmocka_unit_test(asked_to_end),
        cmocka_unit_test(no_more_processes), cmocka_unit_test(answer_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
