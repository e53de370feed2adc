/*
 * ahead.c - a thread that reads a stream into blocks, and a reader that empties them in the same order.
 */
#include "ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS = 4,
    BLOCK_BYTES = 128 << 10, /* all of them stay in a processor's second cache */
    STACK_BYTES = 256 << 10, /* of the thread; the codecs keep what is large on the heap */
};

/* What one stream_read() gave. */
struct block {
    ssize_t n_bytes;        /* 0: the end; -1: a failure. The last block is one of these */
    struct failure failure;
    uint64_t position;      /* the stream's, behind it */
    unsigned char text[BLOCK_BYTES];
};

struct ahead {
    struct stream *stream;
    pthread_t thread;
    pthread_mutex_t lock;   /* for the next three */
    pthread_cond_t changed;
    uint64_t n_filled, n_emptied; /* blocks ever; block i is blocks[i % BLOCKS] */
    bool stop;

    size_t n_used;          /* bytes of the first full block that were given out */
    uint64_t position;
    struct block blocks[BLOCKS];
};

/* The next block to fill, or NULL when nobody wants it any more. */
static struct block *await_empty(struct ahead *a)
{
    struct block *b;

    pthread_mutex_lock(&a->lock);
    while (a->n_filled - a->n_emptied == BLOCKS && !a->stop)
        pthread_cond_wait(&a->changed, &a->lock);
    b = a->stop ? NULL : &a->blocks[a->n_filled % BLOCKS];
    pthread_mutex_unlock(&a->lock);
    return b;
}

static struct block *await_full(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->n_filled == a->n_emptied)
        pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
    return &a->blocks[a->n_emptied % BLOCKS];
}

static void count_one(struct ahead *a, uint64_t *count)
{
    pthread_mutex_lock(&a->lock);
    ++*count;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static void *fill_blocks(void *ahead)
{
    struct ahead *a = ahead;
    struct block *b = await_empty(a);

    while (b != NULL) {
        b->n_bytes = stream_read(a->stream, b->text, sizeof b->text, &b->failure);
        b->position = stream_position(a->stream);
        bool is_last = b->n_bytes <= 0;
        count_one(a, &a->n_filled);
        b = is_last ? NULL : await_empty(a);
    }
    return NULL;
}

static int start_thread(struct ahead *a)
{
    pthread_attr_t attributes;
    int result = -1;

    if (pthread_attr_init(&attributes) != 0)
        return -1;
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
        pthread_create(&a->thread, &attributes, fill_blocks, a) == 0)
        result = 0;
    pthread_attr_destroy(&attributes);
    return result;
}

int ahead_open(struct ahead **ahead, struct stream *stream)
{
    struct ahead *a = malloc(sizeof *a);

    if (a == NULL)
        return -1;
    memset(a, 0, offsetof(struct ahead, blocks));
    a->stream = stream;
    a->position = stream_position(stream);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (start_thread(a) != 0) {
        free(a);
        return -1;
    }
    *ahead = a;
    return 0;
}

ssize_t ahead_read(struct ahead *a, void *buffer, size_t buffer_bytes, struct failure *failure)
{
    unsigned char *to = buffer;
    size_t n_bytes = 0;

    while (n_bytes < buffer_bytes) {
        const struct block *b = await_full(a);

        if (b->n_bytes <= 0 && n_bytes > 0)
            break;
        if (b->n_bytes < 0)
            *failure = b->failure;
        if (b->n_bytes <= 0)
            return b->n_bytes;

        size_t left = (size_t)b->n_bytes - a->n_used, n = left < buffer_bytes - n_bytes ? left : buffer_bytes - n_bytes;
        memcpy(to + n_bytes, b->text + a->n_used, n);
        n_bytes += n;
        a->n_used += n;
        a->position = b->position;
        if (n == left) {
            a->n_used = 0;
            count_one(a, &a->n_emptied);
        }
    }
    return (ssize_t)n_bytes;
}

uint64_t ahead_position(const struct ahead *a)
{
    return a->position;
}

void ahead_close(struct ahead *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
