/* Documents that nobody holds any more, in the order in which they came. They are freed in pieces:
 * a collector drops many at a time, in the middle of whatever a program does. */
#include <stdlib.h>

#include "doc/document.h"

struct rill_docs {
    rill_doc *first, *last; /* of those that wait, by `next` */
    uint32_t waiting;       /* their weight */
    rill_fibers fibers;     /* of their jobs */
    size_t owners; /* who made it, and all documents: a collector frees them in any order */
    bool closed;   /* who made it is gone: nothing waits any more */
};

/* What a document costs beside its nodes, as nodes. */
enum { DOCUMENT = 64 };

static void release(rill_docs *docs)
{
    if (--docs->owners)
        return;
    rill_fibers_dispose(&docs->fibers);
    free(docs);
}

void rill_doc_free(rill_doc *doc)
{
    if (!doc)
        return;
    rill_docs *docs = doc->docs;
    rill_document_free(doc);
    if (docs)
        release(docs);
}

void rill_doc_drop(rill_doc *doc)
{
    rill_docs *docs = doc ? doc->docs : NULL;
    if (!docs || docs->closed) {
        rill_doc_free(doc);
        return;
    }
    doc->next = NULL;
    if (docs->last)
        docs->last->next = doc;
    else
        docs->first = doc;
    docs->last = doc;
    docs->waiting += doc->weight + DOCUMENT;
}

rill_docs *rill_docs_new(void)
{
    rill_docs *docs = calloc(1, sizeof(*docs));
    if (docs)
        docs->owners = 1;
    return docs;
}

/* Takes the one that waits longest out of the line. */
static rill_doc *take_first(rill_docs *docs)
{
    rill_doc *doc = docs->first;
    docs->first = doc->next;
    if (!docs->first)
        docs->last = NULL;
    docs->waiting -= doc->weight + DOCUMENT;
    return doc;
}

void rill_docs_free(rill_docs *docs)
{
    if (!docs)
        return;
    while (docs->first)
        rill_doc_free(take_first(docs));
    docs->closed = true;
    release(docs);
}

const uint32_t *rill_docs_waiting(const rill_docs *docs)
{
    return &docs->waiting;
}

int32_t rill_docs_tidy(rill_docs *docs)
{
    for (uint32_t freed = 0; docs->first && freed < RILL_DOC_FREED;) {
        uint32_t weight = docs->first->weight + DOCUMENT;
        if (rill_doc_empty(docs->first))
            return 1;
        rill_doc_free(take_first(docs));
        freed += weight;
    }
    return docs->first != NULL;
}

rill_doc *rill_docs_open(rill_docs *docs, const char *page, uint64_t length)
{
    rill_doc *doc = rill_document_new(page, length, docs ? &docs->fibers : NULL);
    if (doc && docs) {
        doc->docs = docs;
        docs->owners++;
    }
    return doc;
}
