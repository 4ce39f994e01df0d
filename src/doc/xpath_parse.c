/* Expressions as a tree. They are read as libxml2 reads them, so words like "and" need no blanks.
 */
#include <libxml/xpathInternals.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/xpath.h"

/* How deep brackets, predicates and arguments may stand in each other. */
enum { NESTED = 200 };

/* A list of what an expression has allocated. */
struct rill_xpath_memory {
    rill_xpath_memory *next;
    max_align_t bytes[];
};

typedef struct reader {
    const char *at;
    rill_xpath_memory **memory;
    rill_doc_problem *problem;
    int depth;
    bool failed;
} reader;

void rill_xpath_memory_free(rill_xpath_memory *memory)
{
    while (memory) {
        rill_xpath_memory *next = memory->next;
        free(memory);
        memory = next;
    }
}

/* --- what expressions are made of ------------------------------------------------------------ */

static void fail(reader *r, const char *text)
{
    if (!r->failed && !r->problem->text[0])
        snprintf(r->problem->text, sizeof(r->problem->text), "%s", text);
    r->failed = true;
}

static void *allocate(reader *r, size_t bytes)
{
    rill_xpath_memory *memory = calloc(1, sizeof(*memory) + bytes);
    if (!memory) {
        fail(r, "out of memory");
        return NULL;
    }
    memory->next = *r->memory;
    *r->memory = memory;
    return memory->bytes;
}

static rill_xpath *make(reader *r, rill_xpath_kind kind, rill_xpath *left, rill_xpath *right)
{
    rill_xpath *made = allocate(r, sizeof(*made));
    if (!made)
        return NULL;
    made->kind = kind;
    made->left = left;
    made->right = right;
    made->positional = (left && left->positional) || (right && right->positional) ||
                       (kind >= RILL_XPATH_SUM && kind <= RILL_XPATH_NEGATIVE);
    return made;
}

static char *copy(reader *r, const char *text, size_t length)
{
    char *made = allocate(r, length + 1);
    if (made)
        memcpy(made, text, length);
    return made;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void skip_blanks(reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_in_name(char byte)
{
    char lower = (char)(byte | 0x20);
    return (lower >= 'a' && lower <= 'z') || is_digit(byte) || byte == '_' || byte == '-' ||
           byte == '.' || byte & 0x80;
}

static size_t name_length(const char *at)
{
    size_t length = 0;
    if (!is_digit(*at) && *at != '-' && *at != '.')
        while (is_in_name(at[length]))
            length++;
    return length;
}

static bool take(reader *r, const char *text)
{
    size_t length = strlen(text);
    if (strncmp(r->at, text, length) != 0)
        return false;
    r->at += length;
    skip_blanks(r);
    return true;
}

static char *take_name(reader *r)
{
    size_t length = name_length(r->at);
    char *name = copy(r, r->at, length);
    r->at += length;
    return name;
}

static char *take_literal(reader *r)
{
    char quote = *r->at++;
    size_t length = strcspn(r->at, (char[]){quote, '\0'});
    char *text = copy(r, r->at, length);
    r->at += length + (r->at[length] != '\0');
    skip_blanks(r);
    return text;
}

/* --- steps and paths ------------------------------------------------------------------------- */

static rill_xpath *read_or(reader *r);

static rill_xpath *read_nested(reader *r)
{
    rill_xpath *made = NULL;
    if (++r->depth > NESTED) {
        fail(r, "it is nested too deep");
        r->problem->limit = true;
    }
    if (!r->failed)
        made = read_or(r);
    r->depth--;
    return made;
}

/* Whether a predicate hangs on the position: it is a number, or asks for one. */
static rill_xpath *read_predicates(reader *r, bool *positional)
{
    rill_xpath *first = NULL, **last = &first;
    skip_blanks(r);
    while (!r->failed && *r->at == '[') {
        take(r, "[");
        rill_xpath *predicate = read_nested(r);
        if (r->failed || !take(r, "]")) {
            fail(r, "a predicate that does not end, or says nothing");
            return NULL;
        }
        *positional |= predicate->positional;
        *last = predicate;
        last = &predicate->next;
    }
    return first;
}

static const char *const axes[RILL_AXES] = {
    "ancestor",  "ancestor-or-self",  "attribute", "child",  "descendant", "descendant-or-self",
    "following", "following-sibling", "namespace", "parent", "preceding",  "preceding-sibling",
    "self"};

/* An axis in front of "::"; a child else. */
static rill_axis take_axis(reader *r)
{
    size_t length = name_length(r->at);
    const char *behind = r->at + length + strspn(r->at + length, " \t\r\n");
    if (*r->at == '@') {
        take(r, "@");
        return RILL_AXIS_ATTRIBUTE;
    }
    for (int axis = 0; axis < RILL_AXES; axis++)
        if (!strncmp(behind, "::", 2) && strlen(axes[axis]) == length &&
            !strncmp(axes[axis], r->at, length)) {
            r->at = behind;
            take(r, "::");
            return axis;
        }
    return RILL_AXIS_CHILD;
}

static const struct {
    const char *name;
    rill_test test;
} types[] = {{"comment", RILL_TEST_COMMENT},
             {"node", RILL_TEST_NODE},
             {"processing-instruction", RILL_TEST_INSTRUCTION},
             {"text", RILL_TEST_TEXT}};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

/* Behind the name of a type: "()", or the name of an instruction. */
static void read_type(reader *r, rill_xpath_step *step, const char *name)
{
    take(r, "(");
    for (int i = 0; i < TYPES; i++)
        if (name && !strcmp(types[i].name, name))
            step->test = types[i].test;
    if (step->test == RILL_TEST_INSTRUCTION && (*r->at == '"' || *r->at == '\''))
        step->name = take_literal(r);
    if (!take(r, ")"))
        fail(r, "a bracket that is not closed");
}

static void read_test(reader *r, rill_xpath_step *step)
{
    step->test = RILL_TEST_ALL;
    if (take(r, "*"))
        return;
    char *name = take_name(r);
    const char *behind = r->at + strspn(r->at, " \t\r\n");
    if (*behind == '(') {
        r->at = behind;
        read_type(r, step, name);
        return;
    }
    if (*r->at == ':') {
        r->at++;
        step->prefix = name;
        if (take(r, "*"))
            return;
        name = take_name(r);
    }
    step->test = RILL_TEST_NAME;
    step->name = name;
    skip_blanks(r);
}

static rill_xpath_step *add_step(reader *r, rill_xpath_step ***last, rill_axis axis, rill_test test)
{
    rill_xpath_step *step = allocate(r, sizeof(*step));
    if (!step)
        return NULL;
    step->axis = axis;
    step->test = test;
    **last = step;
    *last = &step->next;
    return step;
}

static void read_step(reader *r, rill_xpath_step ***last)
{
    skip_blanks(r);
    if (take(r, "..")) {
        add_step(r, last, RILL_AXIS_PARENT, RILL_TEST_NODE);
    } else if (!take(r, ".")) {
        rill_axis axis = take_axis(r);
        rill_xpath_step *step = add_step(r, last, axis, RILL_TEST_NODE);
        if (!step)
            return;
        read_test(r, step);
        step->predicates = read_predicates(r, &step->positional);
    }
}

static void read_steps(reader *r, rill_xpath_step ***last)
{
    for (;;) {
        if (take(r, "//"))
            add_step(r, last, RILL_AXIS_DESCENDANT_OR_SELF, RILL_TEST_NODE);
        else
            take(r, "/");
        read_step(r, last);
        skip_blanks(r);
        if (r->failed || *r->at != '/')
            return;
    }
}

/* "//a" is descendant-or-self::node()/child::a: descendant::a, where no predicate counts. */
static void join_steps(rill_xpath_step *step)
{
    for (; step; step = step->next) {
        rill_xpath_step *next = step->next;
        if (next && step->axis == RILL_AXIS_DESCENDANT_OR_SELF && step->test == RILL_TEST_NODE &&
            !step->predicates && next->axis == RILL_AXIS_CHILD && !next->positional) {
            *step = *next;
            step->axis = RILL_AXIS_DESCENDANT;
        }
    }
}

static bool begins_step(char byte)
{
    char lower = (char)(byte | 0x20);
    return (lower >= 'a' && lower <= 'z') || byte == '_' || byte == '.' || byte == '@' ||
           byte == '*';
}

static rill_xpath *read_location(reader *r)
{
    rill_xpath *path = make(r, RILL_XPATH_PATH, NULL, NULL);
    if (!path)
        return NULL;
    rill_xpath_step **last = &path->steps;
    path->absolute = *r->at == '/';
    if (path->absolute && r->at[1] != '/') {
        take(r, "/");
        if (!begins_step(*r->at))
            return path;
    }
    read_steps(r, &last);
    join_steps(path->steps);
    return path;
}

/* --- values ---------------------------------------------------------------------------------- */

/* Functions whose value is a number, or that ask for a position. */
static bool counts(const char *name)
{
    static const char *const names[] = {"last", "position", "count", "string-length", "number",
                                        "sum",  "floor",    "round", "ceiling"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static rill_xpath *read_call(reader *r)
{
    rill_xpath *call = make(r, RILL_XPATH_CALL, NULL, NULL);
    char *name = take_name(r);
    if (!call || !name)
        return NULL;
    if (*r->at == ':') {
        r->at++;
        call->prefix = name;
        name = take_name(r);
    }
    call->text = name;
    call->positional = name && counts(name);
    skip_blanks(r);
    take(r, "(");
    rill_xpath **last = &call->left;
    while (!r->failed && *r->at && *r->at != ')') {
        rill_xpath *argument = *last = read_nested(r);
        if (!argument || (*r->at != ')' && !take(r, ",")))
            break;
        call->positional |= argument->positional;
        last = &argument->next;
    }
    if (!take(r, ")"))
        fail(r, "this is no expression");
    return call;
}

static rill_xpath *read_number(reader *r)
{
    rill_xpath *number = make(r, RILL_XPATH_NUMBER, NULL, NULL);
    const char *from = r->at;
    while (is_digit(*r->at) || *r->at == '.')
        r->at++;
    if (*r->at == 'e' || *r->at == 'E') {
        r->at++;
        r->at += *r->at == '-' || *r->at == '+';
        while (is_digit(*r->at))
            r->at++;
    }
    char *text = copy(r, from, (size_t)(r->at - from));
    if (number && text) {
        number->number = xmlXPathStringEvalNumber(BAD_CAST text);
        number->positional = true;
    }
    skip_blanks(r);
    return number;
}

static rill_xpath *read_primary(reader *r)
{
    rill_xpath *made = NULL;
    if (*r->at == '$') {
        r->at++;
        take_name(r);
        if (*r->at == ':') {
            r->at++;
            take_name(r);
        }
        skip_blanks(r);
        return make(r, RILL_XPATH_VARIABLE, NULL, NULL);
    }
    if (take(r, "(")) {
        made = read_nested(r);
        if (!take(r, ")"))
            fail(r, "a bracket that is not closed");
    } else if (*r->at == '"' || *r->at == '\'') {
        made = make(r, RILL_XPATH_STRING, NULL, NULL);
        if (made)
            made->text = take_literal(r);
    } else if (is_digit(*r->at) || *r->at == '.') {
        made = read_number(r);
    } else {
        made = read_call(r);
    }
    skip_blanks(r);
    return made;
}

/* Whether a name stands here that a "(" follows, and is not that of a type of nodes. */
static bool at_call(const reader *r)
{
    size_t length = name_length(r->at);
    const char *behind = r->at + length;
    for (int i = 0; length && i < TYPES; i++)
        if (strlen(types[i].name) == length && !strncmp(types[i].name, r->at, length))
            return false;
    if (*behind == ':' && behind[1] != ':')
        behind += 1 + name_length(behind + 1);
    behind += strspn(behind, " \t\r\n");
    return length && *behind == '(';
}

static rill_xpath *read_path(reader *r)
{
    skip_blanks(r);
    char next = *r->at;
    bool value = next == '$' || next == '(' || is_digit(next) || next == '\'' || next == '"' ||
                 (next == '.' && is_digit(r->at[1])) || at_call(r);
    if (!value)
        return read_location(r);
    rill_xpath *made = read_primary(r);
    if (!r->failed && made && *r->at == '[') {
        bool positional = false;
        made = make(r, RILL_XPATH_FILTER, made, NULL);
        if (made)
            made->predicates = read_predicates(r, &positional);
    }
    if (r->failed || !made || *r->at != '/')
        return made;
    rill_xpath *path = make(r, RILL_XPATH_PATH, made, NULL);
    if (!path)
        return NULL;
    rill_xpath_step **last = &path->steps;
    path->positional = made->positional;
    read_steps(r, &last);
    join_steps(path->steps);
    return path;
}

/* --- operators ------------------------------------------------------------------------------- */

static rill_xpath *read_union(reader *r)
{
    rill_xpath *made = read_path(r);
    skip_blanks(r);
    while (!r->failed && take(r, "|")) {
        made = make(r, RILL_XPATH_UNION, made, read_path(r));
        skip_blanks(r);
    }
    return made;
}

static rill_xpath *read_unary(reader *r)
{
    int minus = 0;
    skip_blanks(r);
    while (take(r, "-"))
        minus++;
    rill_xpath *made = read_union(r);
    if (minus) /* "--x" is the number of x */
        made = make(r, RILL_XPATH_NEGATIVE, made, NULL);
    if (minus && minus % 2 == 0)
        made = make(r, RILL_XPATH_NEGATIVE, made, NULL);
    return made;
}

typedef struct level {
    const char *text;
    rill_xpath_kind kind;
} level;

/* From those that bind least; of a text and a longer one that begins with it, the longer is first.
 */
static const level levels[][5] = {
    {{"or", RILL_XPATH_OR}},
    {{"and", RILL_XPATH_AND}},
    {{"=", RILL_XPATH_EQUAL}, {"!=", RILL_XPATH_UNEQUAL}},
    {{"<=", RILL_XPATH_LESS_OR_EQUAL},
     {">=", RILL_XPATH_MORE_OR_EQUAL},
     {"<", RILL_XPATH_LESS},
     {">", RILL_XPATH_MORE}},
    {{"+", RILL_XPATH_SUM}, {"-", RILL_XPATH_DIFFERENCE}},
    {{"*", RILL_XPATH_PRODUCT}, {"div", RILL_XPATH_QUOTIENT}, {"mod", RILL_XPATH_MODULO}}};
enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

static rill_xpath *read_level(reader *r, int i)
{
    if (i == LEVELS)
        return read_unary(r);
    rill_xpath *made = read_level(r, i + 1);
    for (const level *one = levels[i]; !r->failed && one->text;) {
        if (take(r, one->text)) {
            made = make(r, one->kind, made, read_level(r, i + 1));
            one = levels[i];
        } else {
            one++;
        }
    }
    return made;
}

static rill_xpath *read_or(reader *r)
{
    return read_level(r, 0);
}

rill_xpath *rill_xpath_parse(const char *text, rill_xpath_memory **memory,
                             rill_doc_problem *problem)
{
    reader r = {.at = text, .memory = memory, .problem = problem};
    *memory = NULL;
    rill_xpath *made = read_or(&r);
    skip_blanks(&r);
    if (made && !r.failed && !*r.at)
        return made;
    fail(&r, "this is no expression");
    rill_xpath_memory_free(*memory);
    *memory = NULL;
    return NULL;
}
