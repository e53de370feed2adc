/*
 * hdf5_library.c - HDF5 as we want it.
 */
#include "hdf5_library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HDF5 itself forgets at the next call, which may only tidy up. */
static struct {
    char text[200];
    int sys_errno;
} reason;

/* H5Ewalk2 callback: the innermost entry comes first. HDF5 quotes errno in the midst of a description. */
static herr_t note_entry(unsigned n, const H5E_error2_t *entry, void *unused)
{
    const char *quoted = entry->desc == NULL ? NULL : strstr(entry->desc, "errno = ");

    (void)unused;
    if (n == 0 && entry->desc != NULL)
        (void)snprintf(reason.text, sizeof reason.text, "%s", entry->desc);
    if (quoted != NULL && reason.sys_errno == 0)
        reason.sys_errno = atoi(quoted + strlen("errno = "));
    return 0;
}

/* H5Eset_auto2 callback, where HDF5 would print. */
static herr_t note_reason(hid_t stack, void *unused)
{
    reason.text[0] = '\0';
    reason.sys_errno = 0;
    return H5Ewalk2(stack, H5E_WALK_UPWARD, note_entry, unused);
}

/*
 * The temporary is ours alone, and locks fail on many a network file system: so no locking, unless the user
 * wants it. Nothing is left to do at exit either; a child that leaves by exit(3) must not write to our file.
 */
void hdf5_prepare(void)
{
    (void)setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    (void)H5dont_atexit();
    (void)H5open();
    (void)H5Eset_auto2(H5E_DEFAULT, note_reason, NULL);
}

const char *hdf5_reason(void)
{
    return reason.sys_errno != 0 ? strerror(reason.sys_errno) : reason.text;
}

int hdf5_system_error(void)
{
    return reason.sys_errno;
}

void hdf5_no_memory(void)
{
    (void)snprintf(reason.text, sizeof reason.text, "%s", strerror(ENOMEM));
    reason.sys_errno = 0;
}

/* The rows in the file, and as they are in memory. Owner the caller, also after an error. Errors 0, or -1 from HDF5 */
static int select_rows(hid_t dataset, uint64_t first_row, uint64_t n_rows, hid_t *there, hid_t *here)
{
    hsize_t start[H5S_MAX_RANK] = {first_row}, count[H5S_MAX_RANK];
    int rank;

    *there = H5Dget_space(dataset);
    *here = -1;
    rank = H5Sget_simple_extent_dims(*there, count, NULL);
    if (rank < 1)
        return -1;
    count[0] = n_rows;
    *here = H5Screate_simple(rank, count, NULL);
    return *here < 0 || H5Sselect_hyperslab(*there, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ? -1 : 0;
}

static void close_spaces(hid_t there, hid_t here)
{
    if (here >= 0)
        (void)H5Sclose(here);
    if (there >= 0)
        (void)H5Sclose(there);
}

int hdf5_read_rows(hid_t dataset, hid_t type, uint64_t first_row, uint64_t n_rows, void *rows)
{
    hid_t there, here;
    herr_t status = select_rows(dataset, first_row, n_rows, &there, &here);

    if (status >= 0)
        status = H5Dread(dataset, type, here, there, H5P_DEFAULT, rows);
    close_spaces(there, here);
    return status < 0 ? -1 : 0;
}

int hdf5_write_rows(hid_t dataset, hid_t type, uint64_t first_row, uint64_t n_rows, const void *rows)
{
    hid_t there, here;
    herr_t status = select_rows(dataset, first_row, n_rows, &there, &here);

    if (status >= 0)
        status = H5Dwrite(dataset, type, here, there, H5P_DEFAULT, rows);
    close_spaces(there, here);
    return status < 0 ? -1 : 0;
}
