/* A text that is made of a node: what is written is counted, and cut at RILL_DOC_TEXT. */
#ifndef RILL_OUTPUT_H
#define RILL_OUTPUT_H

#include "doc/tree.h"

/* Begins an empty one in place of the last. */
void rill_output_begin(rill_doc *doc);

/* Adds bytes. At its end the text has whole characters. */
void rill_output_add(rill_doc *doc, const char *bytes, size_t length);
void rill_output_add_string(rill_doc *doc, const char *text);

/* Counts work that writes nothing; false: no more is wanted. */
bool rill_output_work(rill_doc *doc, unsigned long operations);

#endif
