/*
 * kinds.h - text that is known by its first lines: formats that hold no table, or some lines beside it.
 *
 * What is said here are notices, and the option or the program that helps is in them; nothing else changes. Few inputs
 * of a run are told of. Each function returns true when the text is of that kind, told or not.
 */
#ifndef SHMLOAD_KINDS_H
#define SHMLOAD_KINDS_H

#include "advice.h"

/* A first line 'sep=;', which is for Excel. */
bool kinds_tell_separator(const struct advice_case *c);

/* A genome browser's lines among the first few, above tables of BED and its like, or between them. */
bool kinds_tell_tracks(const struct advice_case *c);

/* The word begins such a line. */
bool kinds_is_for_browser(const char *word);

/* Any kind but those 'sep=' lines. */
bool kinds_tell(const struct advice_case *c);

/* It may be of a kind even where all its records have one number of fields. */
bool kinds_agree(const struct advice_case *c);

/* The line begins with one of the words between commas. */
bool kinds_line_begins(const char *line, const char *end, const char *words);

/* "-d ';'", as it can be typed. */
const char *kinds_delimiter_option(int delimiter, char buffer[16]);

/* Begin to count anew, as for another run. */
void kinds_forget(void);

#endif
