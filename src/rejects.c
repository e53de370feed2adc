/*
 * rejects.c - the file of the lines that were set aside: tab separated, one line for each.
 */
#include "rejects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "report.h"

struct rejects {
    const char *path;
    FILE *file;
    int first_errno;
};

int rejects_open(struct rejects **rejects, const char *path, bool force)
{
    struct rejects *r;

    *rejects = NULL;
    if (path == NULL)
        return 0;
    r = calloc(1, sizeof *r);
    if (r == NULL) {
        message_error("no memory");
        return -1;
    }
    r->path = path;
    r->file = fopen(path, force ? "we" : "wxe");
    if (r->file == NULL) {
        message_error("cannot write '%s': %s%s", path, strerror(errno), errno == EEXIST ? " (--force replaces it)" : "");
        free(r);
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
    message_printable(path, sizeof path, input_path, strlen(input_path));
    report_sentence(reason, sizeof reason, schema, failure);
    fprintf(r->file, "%s\t%llu\t%llu\t%u\t%s\t", path, (unsigned long long)failure->line_no,
            (unsigned long long)failure->byte_offset, failure->column_no, reason);
    for (size_t i = 0; i < text_bytes; i++)
        if (text[i] == '\n')
            fputs("\\n", r->file);
        else
            fputc(text[i], r->file);
    if (fputc('\n', r->file) == EOF && r->first_errno == 0)
        r->first_errno = errno;
}

int rejects_close(struct rejects *r, bool keep)
{
    int result = 0;

    if (r == NULL)
        return 0;
    if (fflush(r->file) != 0 && r->first_errno == 0)
        r->first_errno = errno;
    if ((fclose(r->file) != 0 || r->first_errno != 0) && keep) {
        message_error("cannot write '%s': %s", r->path, strerror(r->first_errno != 0 ? r->first_errno : errno));
        keep = false;
        result = -1;
    }
    if (!keep)
        unlink(r->path);
    free(r);
    return result;
}
