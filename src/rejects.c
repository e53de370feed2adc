/*
 * rejects.c - the file of the lines that were set aside: tab separated, one line for each.
 */
#include "rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "output_file.h"
#include "report.h"

struct rejects {
    struct output_file output;
    FILE *file;      /* on a descriptor of its own; NULL when all is written */
    int first_errno;
};

/* Writes fail inside stdio's buffering, at any call. */
static void note_error(struct rejects *r)
{
    if (ferror(r->file) && r->first_errno == 0)
        r->first_errno = errno != 0 ? errno : EIO;
}

static FILE *buffered(const struct output_file *output)
{
    int fd = fcntl(output->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}

int rejects_open(struct rejects **rejects, const char *path, bool force)
{
    char error[OUTPUT_FILE_ERROR];
    struct rejects *r;

    *rejects = NULL;
    if (path == NULL)
        return 0;
    r = calloc(1, sizeof *r);
    if (r == NULL) {
        message_error("no memory");
        return -1;
    }
    if (output_file_open(&r->output, path, force, error) != 0) {
        message_error("%s", error);
        free(r);
        return -1;
    }
    r->file = buffered(&r->output);
    if (r->file == NULL) {
        message_error("cannot write '%s': %s", path, strerror(errno));
        rejects_discard(r);
        return -1;
    }
    fputs("file\tline\toffset\tcolumn\treason\ttext\n", r->file);
    *rejects = r;
    return 0;
}

void rejects_add(struct rejects *r, const char *input_path, const struct schema *schema, const struct failure *failure,
                 const char *text, size_t text_bytes)
{
    char path[1024], reason[1024];

    if (r == NULL)
        return;
    errno = 0;
    message_printable(path, sizeof path, input_path, strlen(input_path));
    report_sentence(reason, sizeof reason, schema, failure);
    fprintf(r->file, "%s\t%llu\t%llu\t%u\t%s\t", path, (unsigned long long)failure->line_no,
            (unsigned long long)failure->byte_offset, failure->column_no, reason);
    for (size_t i = 0; i < text_bytes; i++)
        if (text[i] == '\n')
            fputs("\\n", r->file);
        else
            fputc(text[i], r->file);
    fputc('\n', r->file);
    note_error(r);
}

int rejects_finish(struct rejects *r)
{
    if (r == NULL)
        return 0;
    errno = 0;
    if (fflush(r->file) != 0)
        note_error(r);
    if (fclose(r->file) != 0 && r->first_errno == 0)
        r->first_errno = errno;
    r->file = NULL;
    if (r->first_errno == 0 && fsync(r->output.fd) != 0)
        r->first_errno = errno;
    if (r->first_errno == 0)
        return 0;
    message_error("cannot write '%s': %s", r->output.name, strerror(r->first_errno));
    return -1;
}

int rejects_commit(struct rejects *r)
{
    char error[OUTPUT_FILE_ERROR];
    int result = 0;

    if (r == NULL)
        return 0;
    if (output_file_commit(&r->output, error) != 0) {
        message_error("%s", error);
        result = -1;
    }
    free(r);
    return result;
}

void rejects_discard(struct rejects *r)
{
    if (r == NULL)
        return;
    if (r->file != NULL)
        fclose(r->file);
    output_file_discard(&r->output);
    free(r);
}
