/* Documents: the tree that libxml2 makes of a whole page, asked by XPath 1.0.
 *
 * This is a library of its own, librilldoc, with libxml2 and PCRE2 below it: a program that wants
 * no documents needs neither. It uses nothing of librill. A page is given in UTF-8; all text that
 * comes back is UTF-8. A document is used by one thread at a time.
 *
 * As src/rill.h, this is what LuaJIT's ffi.cdef reads, through the preprocessor (RILL_CDEF).
 */
#ifndef RILL_DOC_H
#define RILL_DOC_H

#ifdef RILL_CDEF
#define RILL_API
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define RILL_API __attribute__((visibility("default")))
#endif

/* Changes when anything below changes its meaning or layout. */
enum { RILL_DOC_ABI = 1 };
RILL_API int32_t rill_doc_abi(void);

/* Bounds. Those of a page keep what libxml2 does in proportion to its length; what was left out for
 * their sake is in rill_doc_facts.
 *   bytes of a page that are read
 *   nodes: elements, attributes, texts, comments (160 bytes each, or somewhat more)
 *   comments and instructions beside the outermost element
 *   different names of elements, attributes, references: libxml2 keeps them in a table
 *   how deep elements stand in each other in the tree; what is deeper stands at that depth
 *   elements that are open at a time, which an end tag searches: each further one ends the one that
 *     was opened last
 *   attributes of a tag: each is compared with all others
 *   bytes of a tag, a comment, a declaration, a reference: they are read at one go
 *   bytes that are read before other tasks have their turn
 * and of a question:
 *   bytes of an expression
 *   operations of an expression: each node that is looked at, and 32 bytes of text that a function
 *     reads, are one; those of a selection
 *   milliseconds of CPU time
 *   operations before other tasks have their turn
 *   bytes of a string that an expression reads or makes; one that a regular expression is looked
 *     for in; of the characters that translate() looks for
 *   regular expressions of an evaluation; steps of a match, as PCRE2 counts them
 *   bytes of a text or of markup that is made of a node
 * and of documents that nobody holds any more:
 *   nodes that are freed at one go, an attribute counts as one
 *   nodes that wait to be freed, 160 bytes of text are one, when no further page should be read */
enum {
    RILL_DOC_BYTES = 32 << 20,
    RILL_DOC_NODES = 1 << 20,
    RILL_DOC_OUTSIDE = 1 << 10,
    RILL_DOC_NAMES = 64 << 10,
    RILL_DOC_DEPTH = 100,
    RILL_DOC_OPEN = 256,
    RILL_DOC_ATTRIBUTES = 256,
    RILL_DOC_VALUE = 1 << 20,
    RILL_DOC_AT_ONCE = 128 << 10,
    RILL_DOC_EXPRESSION = 4 << 10,
    RILL_DOC_OPERATIONS = 10000000,
    RILL_DOC_SELECT_OPERATIONS = 50000000,
    RILL_DOC_MS = 5000,
    RILL_DOC_SLICE = 100000,
    RILL_DOC_READ = 4 << 20,
    RILL_DOC_SUBJECT = 1 << 20,
    RILL_DOC_CHARACTERS = 4 << 10,
    RILL_DOC_PATTERNS = 16,
    RILL_DOC_MATCH = 100000,
    RILL_DOC_TEXT = 64 << 20,
    RILL_DOC_FREED = 20000,
    RILL_DOC_WAITING = 2 << 20
};

typedef struct rill_docs rill_docs; /* documents that one thread has */
typedef struct rill_doc rill_doc;
typedef struct rill_doc_node rill_doc_node; /* lives as long as its document */
typedef struct rill_doc_expression rill_doc_expression;

/* What was left out of a document. */
typedef struct rill_doc_facts {
    bool bytes, nodes, names; /* the page ends where that bound was reached */
    bool attributes, values;  /* those beyond the bound are missing, and too long comments */
    bool outside;             /* comments are missing before or behind the outermost element */
    bool depth, open;         /* elements stand less deep than they were written */
} rill_doc_facts;

/* NULL: out of memory. Freed with its last document. */
RILL_API rill_docs *rill_docs_new(void);
RILL_API void rill_docs_free(rill_docs *docs); /* and at once what waits; NULL is fine */

/* How many nodes wait to be freed, as RILL_DOC_WAITING counts them. Good as long as `docs`. */
RILL_API const uint32_t *rill_docs_waiting(const rill_docs *docs);

/* Frees RILL_DOC_FREED nodes of those that wait, of the document that waits longest. Returns 1
 * while there are more. */
RILL_API int32_t rill_docs_tidy(rill_docs *docs);

/* Begins to read a page; its bytes are borrowed while rill_doc_read() reads them. `docs`: where it
 * waits to be freed after rill_doc_drop(); NULL: nowhere. NULL: out of memory. */
RILL_API rill_doc *rill_docs_open(rill_docs *docs, const char *page, uint64_t length);
RILL_API rill_doc *rill_doc_new(const char *page, uint64_t length); /* of no `docs` */

/* Frees a document with all its nodes; NULL is fine. At one go, or, after rill_doc_drop(), when its
 * turn has come: for a collector, which may take many at a time. */
RILL_API void rill_doc_free(rill_doc *doc);
RILL_API void rill_doc_drop(rill_doc *doc);

/* Frees a piece of what a document holds, which is good for nothing else then. Returns 1 while
 * there is more, 0: rill_doc_free() takes no time. */
RILL_API int32_t rill_doc_empty(rill_doc *doc);

/* Reads a piece. Returns 1 while there is more, 0 when the document is complete, -1: out of
 * memory. */
RILL_API int32_t rill_doc_read(rill_doc *doc);
RILL_API void rill_doc_get_facts(const rill_doc *doc, rill_doc_facts *facts);

/* The outermost element; there always is one. NULL: it is not read yet. */
RILL_API const rill_doc_node *rill_doc_root(const rill_doc *doc);

/* Why an expression cannot be used. `at`: offset in it, -1: unknown. */
typedef struct rill_doc_problem {
    int32_t at;
    bool limit; /* a bound of time or size, no mistake */
    char text[240];
} rill_doc_problem;

/* Compiles an expression, for any document. `problem` may not be NULL. */
RILL_API rill_doc_expression *rill_doc_compile(const char *text, uint32_t length,
                                               rill_doc_problem *problem);
RILL_API void rill_doc_expression_free(rill_doc_expression *expression); /* NULL is fine */

enum rill_doc_kind {
    RILL_DOC_NODE, /* an element, a comment, the document itself: `node`; `text` is its name */
    RILL_DOC_STRING,
    RILL_DOC_NUMBER,
    RILL_DOC_BOOLEAN
};

/* `text` is valid as long as the answer that it is of. */
typedef struct rill_doc_item {
    const rill_doc_node *node;
    const char *text;
    uint64_t length;
    double number;
    uint32_t kind;
} rill_doc_item;

/* What a selection gives for each element. */
enum rill_doc_what {
    RILL_DOC_ELEMENTS,
    RILL_DOC_TEXTS, /* its own texts, each a string */
    RILL_DOC_ATTRIBUTE
};

/* Elements at and below a node that have one of some names and a class, and for which an expression
 * is true; any of these may be missing. */
typedef struct rill_doc_selector {
    const char *names, *class_name, *attribute; /* names: one of them, a comma between two */
    const rill_doc_expression *expression;
    uint32_t what; /* enum rill_doc_what; `attribute` says of which name */
} rill_doc_selector;

/* The value of an attribute, in *text; its length, -1: there is none. Good as long as the document,
 * or until the next call of this for it. */
RILL_API int64_t rill_doc_attribute(rill_doc *doc, const rill_doc_node *node, const char *name,
                                    const char **text);

enum rill_doc_form {
    RILL_DOC_SHOWN,  /* as a reader sees it: blanks folded, blocks on lines of their own */
    RILL_DOC_RAW,    /* all texts in it, as they stand */
    RILL_DOC_MARKUP, /* HTML of the node itself */
    RILL_DOC_INNER   /* HTML of what is in it */
};

/* These begin a question, in place of the last one to that document, whose answer is forgotten: the
 * evaluation of an expression, whose attributes and texts are items of their strings; a selection;
 * a text of a node, cut at RILL_DOC_TEXT. What is given is borrowed until the answer is complete.
 * 0, or -1: out of memory. */
RILL_API int32_t rill_doc_ask(rill_doc *doc, const rill_doc_node *node,
                              const rill_doc_expression *expression);
RILL_API int32_t rill_doc_select(rill_doc *doc, const rill_doc_node *node,
                                 const rill_doc_selector *selector);
RILL_API int32_t rill_doc_text(rill_doc *doc, const rill_doc_node *node, uint32_t form);

/* Goes on with the answer. Returns 1 while there is more to do, 0 when it is complete: *count items
 * at *items, in document order, a text is one; -1: see `problem`. */
RILL_API int32_t rill_doc_answer(rill_doc *doc, const rill_doc_item **items, uint32_t *count,
                                 rill_doc_problem *problem);

/* Frees what the answer holds, complete or not. */
RILL_API void rill_doc_forget(rill_doc *doc);

#endif
