/* Errors are a reason and a sentence. */
#ifndef RILL_ERROR_H
#define RILL_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include "rill.h"

/* Seldom called: the compiler keeps the code that leads there out of the way of the rest. */
#define RILL_COLD __attribute__((cold))

/* What its caller seldom needs, and would save registers for each time were it part of it. The
 * other way round `inline` stands at what each request does and two places call: registers are
 * saved once, and not again in it. */
#define RILL_APART __attribute__((noinline))

/* Fills in `err` unless it already holds a cause (the first one wins) or is NULL; all fields but
 * reason and message get their "none". Returns -reason, so that failing is one line. */
int32_t rill_error_set(rill_error *err, enum rill_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4))) RILL_COLD;

/* The same for what there was no memory for: RILL_ERROR. */
int32_t rill_error_memory(rill_error *err) RILL_COLD;
extern const rill_error rill_error_no_memory;

/* The same for RILL_CONNECT_FAILED with its kind. */
int32_t rill_error_connect(rill_error *err, enum rill_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4))) RILL_COLD;

/* Writes its sentence: what others have named is escaped, see rill_escape_text(). */
void rill_error_write(rill_error *err, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* "CANCEL", or "CANCEL (8)" where its number is wanted; "4096" where RFC 9113 names none. */
enum { CODE_TEXT = 40 };
const char *rill_code_text(char room[CODE_TEXT], int32_t code, bool numbered) RILL_COLD;

/* Makes `err` "nothing went wrong", ready for rill_error_set(). */
void rill_error_clear(rill_error *err);

#endif
