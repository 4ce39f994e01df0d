/* Addresses of names that a script asks for. */
#ifndef RILL_API_LOOKUP_H
#define RILL_API_LOOKUP_H

#include "api/loop.h"

/* The first of a list; NULL: it is empty. */
rill_question *rill_question_first(const rill_list *list);

/* Fills in what the event points to, and ends the question with its id. */
void rill_question_event(rill_question *question, rill_event *event);

/* Ends it, with its id; nothing is reported. Not from a library's callback. */
void rill_question_free(rill_question *question);

#endif
