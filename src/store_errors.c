/*
 * store_errors.c - the sentences about an output that cannot be written.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "signals.h"
#include "store_inside.h"

int store_write_failed(const struct store *s, char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR, "%.250s: cannot write: %s", s->file.name, strerror(errno));
    return -1;
}

/* Disk full and the like read the same whoever met them. */
int store_hdf5_failed(const struct store *s, const char *doing, const char *subject, char error[STORE_ERROR])
{
    if (hdf5_system_error() != 0)
        (void)snprintf(error, STORE_ERROR, "%.250s: cannot write: %s", s->file.name, strerror(hdf5_system_error()));
    else
        (void)snprintf(error, STORE_ERROR, "%.120s: cannot %s '%.120s': %s", s->file.name, doing, subject,
                       hdf5_reason());
    return -1;
}

int store_go_on(const struct store *s, char error[STORE_ERROR])
{
    if (signals_caught() == 0)
        return 0;
    (void)snprintf(error, STORE_ERROR, "%.250s: interrupted", s->file.name);
    return -1;
}
