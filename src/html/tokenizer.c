#include "html/tokenizer.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state {
    STATE_DATA,
    STATE_PLAINTEXT,
    STATE_COMMENT,
    STATE_BOGUS_COMMENT,
    STATE_CDATA,
    STATE_RAW_TEXT, /* RCDATA too: references do not matter here */
    STATE_SCRIPT,
    STATE_SCRIPT_ESCAPED,
    STATE_SCRIPT_ESCAPED_TWICE,
    STATE_TAG_NAME, /* a long one */
    STATE_BEFORE_NAME,
    STATE_NAME,
    STATE_LONG_NAME,
    STATE_AFTER_NAME,
    STATE_BEFORE_VALUE,
    STATE_VALUE
};

/* What a state's function comes back with, beside the tokens: another state goes on. */
enum { GO_ON = RILL_TOKEN_END + 1 };

/* So many bytes decide what a "<" begins: the longest names, "<![CDATA[", "</noframes>". */
enum { LOOK_AHEAD = RILL_FOREIGN_NAME + 4 };

/* A tag that does not matter is read in one go up to here. */
enum { SKIP_MAX = 16 << 10 };

/* What a byte may end. */
enum { ENDS_NAME = 1, ENDS_ATTRIBUTE = 2, ENDS_UNQUOTED = 4, ENDS_SKIP = 8, LETTER = 16 };
#define BLANK (ENDS_NAME | ENDS_ATTRIBUTE | ENDS_UNQUOTED)
static const uint8_t classes[256] = {
    ['\t'] = BLANK,
    ['\n'] = BLANK,
    ['\f'] = BLANK,
    ['\r'] = BLANK,
    [' '] = BLANK,
    ['/'] = ENDS_NAME | ENDS_ATTRIBUTE,
    ['>'] = ENDS_NAME | ENDS_ATTRIBUTE | ENDS_UNQUOTED | ENDS_SKIP,
    ['='] = ENDS_ATTRIBUTE | ENDS_SKIP,
    ['a' ... 'z'] = LETTER,
    ['A' ... 'Z'] = LETTER,
};

static const uint8_t *skip_to(const uint8_t *at, const uint8_t *end, uint8_t what)
{
    while (at < end && !(classes[*at] & what))
        at++;
    return at;
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
    while (at < end && rill_names_blank(*at))
        at++;
    return at;
}

/* The next `byte`, or the end. Most are near: a call costs more than the first bytes do. */
static inline const uint8_t *find(const uint8_t *at, const uint8_t *end, uint8_t byte)
{
#ifdef __SSE2__
    if (end - at >= 16) {
        __m128i equal =
            _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)at), _mm_set1_epi8((char)byte));
        int found = _mm_movemask_epi8(equal);
        if (found)
            return at + __builtin_ctz((unsigned)found);
        at += 16;
    }
#else
    for (int i = 0; i < 8 && at < end; i++, at++)
        if (*at == byte)
            return at;
#endif
    const uint8_t *found = at < end ? memchr(at, byte, (size_t)(end - at)) : NULL;
    return found ? found : end;
}

/* What is left is too short to decide: it stays, unless nothing follows. */
static enum rill_token wait_for_more(rill_tokenizer *t)
{
    if (t->last)
        t->at = t->end;
    return RILL_TOKEN_END;
}

static int read_on(rill_tokenizer *t, enum state state, const uint8_t *at)
{
    t->state = (uint8_t)state;
    t->at = at;
    return GO_ON;
}

/* --- comments and the like ------------------------------------------------------------------- */

/* `at` is a ">" in a comment. */
static bool ends_comment(const rill_tokenizer *t, const uint8_t *at)
{
    const uint8_t *text = t->at;
    size_t length = (size_t)(at - text);
    if (t->fresh && (!length || (length == 1 && *text == '-')))
        return true; /* <!--> and <!---> */
    return (length >= 2 && at[-1] == '-' && at[-2] == '-') ||
           (length >= 3 && at[-1] == '!' && at[-2] == '-' && at[-3] == '-');
}

static bool ends_cdata(const rill_tokenizer *t, const uint8_t *at)
{
    return at - t->at >= 2 && at[-1] == ']' && at[-2] == ']';
}

/* Reads on to a ">" that ends it. Three bytes stay: they may belong to the end. */
static int read_up_to(rill_tokenizer *t, bool (*ends)(const rill_tokenizer *, const uint8_t *))
{
    for (const uint8_t *at = t->at; (at = find(at, t->end, '>')) < t->end; at++)
        if (ends(t, at))
            return read_on(t, STATE_DATA, at + 1);
    if (t->end - t->at > 3) {
        t->at = t->end - 3;
        t->fresh = false;
    }
    return wait_for_more(t);
}

static int read_bogus_comment(rill_tokenizer *t)
{
    t->at = find(t->at, t->end, '>');
    return t->at < t->end ? read_on(t, STATE_DATA, t->at + 1) : (int)RILL_TOKEN_END;
}

/* `t->at` is "<!". */
static int open_declaration(rill_tokenizer *t)
{
    const uint8_t *text = t->at + 2;
    size_t length = (size_t)(t->end - text);
    t->fresh = true;
    if (length >= 2 && text[0] == '-' && text[1] == '-')
        return read_on(t, STATE_COMMENT, text + 2);
    if (length >= 7 && !memcmp(text, "[CDATA[", 7) && rill_foreign_inside(&t->open))
        return read_on(t, STATE_CDATA, text + 7);
    return read_on(t, STATE_BOGUS_COMMENT, text); /* a DOCTYPE as well: no quote protects its ">" */
}

/* --- tags ------------------------------------------------------------------------------------ */

static uint8_t raw_state(int tag)
{
    switch (tag) {
    case RILL_TAG_TITLE:
    case RILL_TAG_TEXTAREA:
    case RILL_TAG_STYLE:
    case RILL_TAG_XMP:
    case RILL_TAG_NOEMBED:
    case RILL_TAG_NOFRAMES:
    case RILL_HTML_IFRAME:
        return STATE_RAW_TEXT;
    case RILL_HTML_SCRIPT:
        return STATE_SCRIPT;
    case RILL_TAG_PLAINTEXT:
        return STATE_PLAINTEXT;
    }
    return STATE_DATA;
}

static bool has(const rill_tokenizer *t, enum rill_attribute attribute)
{
    return t->present >> attribute & 1;
}

/* What a tag in svg or math means for what follows. Returns whether it is HTML's. */
static bool pass_foreign(rill_tokenizer *t)
{
    const rill_slice *encoding = &t->values[RILL_ATTRIBUTE_ENCODING];
    t->name.styled =
        has(t, RILL_ATTRIBUTE_COLOR) || has(t, RILL_ATTRIBUTE_FACE) || has(t, RILL_ATTRIBUTE_SIZE);
    t->name.html = has(t, RILL_ATTRIBUTE_ENCODING) &&
                   (rill_names_equal("text/html", encoding->at, encoding->length) ||
                    rill_names_equal("application/xhtml+xml", encoding->at, encoding->length));
    return rill_foreign_tag_is_html(&t->open, &t->name);
}

/* The tag is complete: what it means, and whether the caller wants to know. */
static int finish_tag(rill_tokenizer *t)
{
    t->state = STATE_DATA;
    t->foreign = t->open.depth && !pass_foreign(t);
    if (t->name.closing)
        return GO_ON;
    bool wanted = t->wanted >> t->tag & 1;
    if (t->foreign)
        return wanted && t->tag == RILL_HTML_A ? (int)RILL_TOKEN_TAG : GO_ON;
    if ((t->tag == RILL_TAG_SVG || t->tag == RILL_TAG_MATH) && !t->name.self_closing)
        rill_foreign_enter(&t->open, t->tag == RILL_TAG_SVG ? "svg" : "math");
    t->state = raw_state(t->tag);
    t->raw = t->tag;
    t->dashes = 0;
    return wanted ? (int)RILL_TOKEN_TAG : GO_ON;
}

static int read_value(rill_tokenizer *t)
{
    const uint8_t *at =
        t->quote ? find(t->at, t->end, t->quote) : skip_to(t->at, t->end, ENDS_UNQUOTED);
    size_t length = (size_t)(at - t->at);
    if (length > RILL_TOKENIZER_VALUE && t->attribute < RILL_ATTRIBUTES) {
        t->huge |= 1u << t->attribute;
        t->attribute = RILL_ATTRIBUTES;
    }
    if (at == t->end) {
        if (t->attribute == RILL_ATTRIBUTES)
            t->at = at;
        return wait_for_more(t);
    }
    if (t->attribute < RILL_ATTRIBUTES)
        t->values[t->attribute] = (rill_slice){t->at, length};
    return read_on(t, STATE_BEFORE_NAME, at + !!t->quote);
}

/* An attribute's name. It may begin with "=". */
static int read_name(rill_tokenizer *t)
{
    const uint8_t *at = skip_to(t->at + (*t->at == '='), t->end, ENDS_ATTRIBUTE);
    size_t length = (size_t)(at - t->at);
    if (at == t->end && length <= RILL_ATTRIBUTE_LONGEST)
        return wait_for_more(t);
    t->attribute = RILL_ATTRIBUTES;
    if (at == t->end)
        return read_on(t, STATE_LONG_NAME, at);
    if (t->mask) {
        enum rill_attribute attribute = rill_names_attribute(t->at, length);
        if (attribute < RILL_ATTRIBUTES && (t->mask & ~t->present) >> attribute & 1) {
            t->attribute = (uint8_t)attribute;
            t->present |= 1u << attribute; /* the first of a name counts */
            t->values[attribute] = (rill_slice){at, 0};
        }
    }
    if (t->end - at < 2 || *at != '=' || (at[1] != '"' && at[1] != '\''))
        return read_on(t, STATE_AFTER_NAME, at);
    t->quote = at[1]; /* as nearly all are written */
    read_on(t, STATE_VALUE, at + 2);
    return t->at < t->end ? read_value(t) : (int)RILL_TOKEN_END;
}

static int read_before_name(rill_tokenizer *t)
{
    const uint8_t *at = t->at;
    for (; at < t->end && (*at == '/' || rill_names_blank(*at)); at++) {
        if (*at != '/')
            continue;
        if (t->end - at < 2) {
            t->at = at;
            return wait_for_more(t);
        }
        t->name.self_closing = at[1] == '>';
    }
    if (at == t->end) {
        t->at = at;
        return RILL_TOKEN_END;
    }
    if (*at != '>') {
        read_on(t, STATE_NAME, at);
        return read_name(t);
    }
    t->at = at + 1;
    return finish_tag(t);
}

static int read_long_name(rill_tokenizer *t, uint8_t what, enum state after)
{
    t->at = skip_to(t->at, t->end, what);
    return t->at < t->end ? read_on(t, after, t->at) : (int)RILL_TOKEN_END;
}

static int read_after_name(rill_tokenizer *t)
{
    t->at = skip_blanks(t->at, t->end);
    if (t->at == t->end)
        return RILL_TOKEN_END;
    if (*t->at == '=')
        return read_on(t, STATE_BEFORE_VALUE, t->at + 1);
    return read_on(t, STATE_BEFORE_NAME, t->at);
}

static int read_before_value(rill_tokenizer *t)
{
    t->at = skip_blanks(t->at, t->end);
    if (t->at == t->end)
        return RILL_TOKEN_END;
    if (*t->at == '>')
        return read_on(t, STATE_BEFORE_NAME, t->at);
    t->quote = *t->at == '"' || *t->at == '\'' ? *t->at : 0;
    return read_on(t, STATE_VALUE, t->at + !!t->quote);
}

/* The end of a tag that does not matter; NULL: not before `end`. Its attributes are not told apart,
 * but a ">" in a value is none of the tag's: only where a value begins must be known. */
static const uint8_t *skip_tag(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *read = at; /* nothing but names since here */
    for (;;) {
        at = skip_to(at, end, ENDS_SKIP);
        if (at == end)
            return NULL;
        if (*at == '>')
            return at + 1;
        const uint8_t *before = at++;
        while (before > read && rill_names_blank(before[-1]))
            before--;
        if (before == read || before[-1] == '/')
            continue; /* this "=" begins a name */
        at = skip_blanks(at, end);
        if (at == end)
            return NULL;
        if (*at == '"' || *at == '\'') {
            at = find(at + 1, end, *at);
            if (at == end)
                return NULL;
            at++;
        } else {
            at = skip_to(at, end, ENDS_UNQUOTED);
        }
        read = at;
    }
}

static void keep_name(rill_tokenizer *t, const uint8_t *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        t->name.name[i] = (char)rill_names_lower(name[i]);
    t->name.name[length] = '\0';
}

/* Tags that change what follows them. */
#define TAG(name) (1ull << RILL_##name)
static const uint64_t ALWAYS = TAG(TAG_TITLE) | TAG(TAG_TEXTAREA) | TAG(TAG_STYLE) | TAG(TAG_XMP) |
                               TAG(TAG_NOEMBED) | TAG(TAG_NOFRAMES) | TAG(TAG_PLAINTEXT) |
                               TAG(TAG_SVG) | TAG(TAG_MATH) | TAG(HTML_IFRAME) | TAG(HTML_SCRIPT);

/* `name` begins with a letter. Its tag is read with its attributes. */
static int open_tag(rill_tokenizer *t, const uint8_t *name, bool closing)
{
    const uint8_t *end = t->end - name > RILL_FOREIGN_NAME ? name + RILL_FOREIGN_NAME : t->end;
    const uint8_t *after = skip_to(name, end, ENDS_NAME);
    int tag = after < end ? rill_names_tag(name, (size_t)(after - name)) : RILL_TAG_OTHER;
    if (!t->open.depth && (closing || !((t->wanted | ALWAYS) >> tag & 1)))
        tag = RILL_TAG_OTHER;
    t->tag = (uint8_t)tag;
    t->present = t->huge = 0;
    t->mask = rill_names_wanted[tag];
    t->name.closing = closing;
    t->name.self_closing = false;
    if (t->open.depth) {
        keep_name(t, name, (size_t)(after - name));
        t->mask |= 1u << RILL_ATTRIBUTE_ENCODING;
    }
    return read_on(t, after < end ? STATE_BEFORE_NAME : STATE_TAG_NAME, after);
}

/* Skips a tag that nobody asks for, if that can be told by its first letter or its name, and done
 * in one go. */
static inline bool skip_unwanted(rill_tokenizer *t, const uint8_t *name, bool closing)
{
    if (t->open.depth)
        return false;
    const uint8_t *end = t->end - name > SKIP_MAX ? name + SKIP_MAX : t->end;
    const uint8_t *after = skip_to(name, end, ENDS_NAME);
    if (after == end)
        return false;
    if (!closing && t->letters >> ((*name | 0x20) - 'a') & 1) {
        int tag = rill_names_tag(name, (size_t)(after - name));
        if ((t->wanted | ALWAYS) >> tag & 1)
            return false;
    }
    after = *after == '>' ? after + 1 : skip_tag(after, end);
    if (after)
        t->at = after;
    return after;
}

/* --- text ------------------------------------------------------------------------------------ */

/* `t->at` is a "<", and what decides is there. */
static int open_markup(rill_tokenizer *t)
{
    const uint8_t *at = t->at;
    uint8_t next = t->end - at > 1 ? at[1] : 0;
    if (classes[next] & LETTER)
        return skip_unwanted(t, at + 1, false) ? GO_ON : open_tag(t, at + 1, false);
    if (next == '!')
        return open_declaration(t);
    if (next == '?')
        return read_on(t, STATE_BOGUS_COMMENT, at + 2);
    if (next != '/' || t->end - at < 3) {
        t->at = at + 1;
        return GO_ON;
    }
    if (classes[at[2]] & LETTER)
        return skip_unwanted(t, at + 2, true) ? GO_ON : open_tag(t, at + 2, true);
    return read_on(t, STATE_BOGUS_COMMENT, at + 2); /* </> is one that ends at once */
}

static int read_data(rill_tokenizer *t)
{
    while (t->state == STATE_DATA) {
        t->at = find(t->at, t->end, '<');
        if (t->end - t->at < LOOK_AHEAD && !(t->last && t->at < t->end))
            return RILL_TOKEN_END;
        int token = open_markup(t);
        if (token != GO_ON)
            return token;
    }
    return GO_ON;
}

/* Whether `text` begins with a name and what ends it. */
static bool is_name(const uint8_t *text, const uint8_t *end, const char *name)
{
    size_t length = strlen(name);
    return (size_t)(end - text) > length && rill_names_equal(name, text, length) &&
           classes[text[length]] & ENDS_NAME;
}

/* `at` is a "<" in raw text or a script: whether the end tag begins there. */
static bool is_end_tag(const rill_tokenizer *t, const uint8_t *at)
{
    return t->end - at > 1 && at[1] == '/' && is_name(at + 2, t->end, rill_names_of_tag(t->raw));
}

static int open_end_tag(rill_tokenizer *t, const uint8_t *at)
{
    t->tag = RILL_TAG_OTHER;
    t->present = t->huge = t->mask = 0;
    t->name.closing = true;
    strcpy(t->name.name, rill_names_of_tag(t->raw));
    return read_on(t, STATE_BEFORE_NAME, at + 2 + strlen(t->name.name));
}

static int read_raw_text(rill_tokenizer *t)
{
    const uint8_t *at = t->at;
    bool ends = false;
    while (!ends && (at = find(at, t->end, '<')) < t->end &&
           (t->last || t->end - at >= LOOK_AHEAD)) {
        ends = is_end_tag(t, at);
        at += !ends;
    }
    t->text = (rill_slice){t->at, (size_t)(at - t->at)};
    t->at = at;
    if (t->text.length && t->raw == RILL_TAG_TITLE && t->wanted >> RILL_TAG_TITLE & 1)
        return RILL_TOKEN_TITLE;
    return ends ? open_end_tag(t, at) : (int)RILL_TOKEN_END;
}

/* --- scripts --------------------------------------------------------------------------------- */

/* `t->at` is a "<" in a script: what it does to the state. */
static int open_in_script(rill_tokenizer *t)
{
    const uint8_t *at = t->at, *after = at + 1;
    bool closing = t->end - at > 1 && at[1] == '/';
    t->dashes = 0;
    switch (t->state) {
    case STATE_SCRIPT:
        if (is_end_tag(t, at))
            return open_end_tag(t, at);
        if (t->end - at > 3 && !memcmp(at, "<!--", 4)) {
            t->dashes = 2; /* they may be those of the end as well */
            return read_on(t, STATE_SCRIPT_ESCAPED, at + 4);
        }
        break;
    case STATE_SCRIPT_ESCAPED:
        if (is_end_tag(t, at))
            return open_end_tag(t, at);
        if (!closing && is_name(after, t->end, "script"))
            return read_on(t, STATE_SCRIPT_ESCAPED_TWICE, after);
        break;
    case STATE_SCRIPT_ESCAPED_TWICE:
        if (closing && is_name(at + 2, t->end, "script"))
            return read_on(t, STATE_SCRIPT_ESCAPED, after);
        break;
    }
    t->at = after;
    return GO_ON;
}

/* In a script's comment: the next "<", or the ">" behind two dashes that leaves it. */
static const uint8_t *read_escaped(rill_tokenizer *t)
{
    const uint8_t *at = t->at;
    for (; at < t->end && *at != '<'; at++) {
        if (*at == '-') {
            t->dashes += t->dashes < 2;
            continue;
        }
        if (*at == '>' && t->dashes == 2) {
            t->state = STATE_SCRIPT;
            return at + 1;
        }
        t->dashes = 0;
    }
    return at;
}

static int read_script(rill_tokenizer *t)
{
    for (;;) {
        if (t->state == STATE_SCRIPT)
            t->at = find(t->at, t->end, '<');
        else
            t->at = read_escaped(t);
        if (t->at == t->end || (*t->at == '<' && t->end - t->at < LOOK_AHEAD && !t->last))
            return RILL_TOKEN_END;
        if (*t->at == '<')
            open_in_script(t);
        if (t->state == STATE_BEFORE_NAME)
            return GO_ON;
    }
}

/* --------------------------------------------------------------------------------------------- */

static int read_state(rill_tokenizer *t)
{
    switch ((enum state)t->state) {
    case STATE_DATA:
        return read_data(t);
    case STATE_PLAINTEXT:
        t->at = t->end;
        return RILL_TOKEN_END;
    case STATE_COMMENT:
        return read_up_to(t, ends_comment);
    case STATE_BOGUS_COMMENT:
        return read_bogus_comment(t);
    case STATE_CDATA:
        return read_up_to(t, ends_cdata);
    case STATE_RAW_TEXT:
        return read_raw_text(t);
    case STATE_SCRIPT:
    case STATE_SCRIPT_ESCAPED:
    case STATE_SCRIPT_ESCAPED_TWICE:
        return read_script(t);
    case STATE_TAG_NAME:
        return read_long_name(t, ENDS_NAME, STATE_BEFORE_NAME);
    case STATE_BEFORE_NAME:
        return read_before_name(t);
    case STATE_NAME:
        return read_name(t);
    case STATE_LONG_NAME:
        return read_long_name(t, ENDS_ATTRIBUTE, STATE_AFTER_NAME);
    case STATE_AFTER_NAME:
        return read_after_name(t);
    case STATE_BEFORE_VALUE:
        return read_before_value(t);
    case STATE_VALUE:
        return read_value(t);
    }
    return RILL_TOKEN_END;
}

void rill_tokenizer_init(rill_tokenizer *t, uint64_t wanted)
{
    memset(t, 0, sizeof(*t));
    t->wanted = wanted;
    t->letters = rill_names_letters(wanted | ALWAYS);
}

enum rill_token rill_tokenizer_next(rill_tokenizer *t)
{
    int token;
    do {
        token = t->at < t->end ? read_state(t) : (int)RILL_TOKEN_END;
    } while (token == GO_ON);
    return (enum rill_token)token;
}

bool rill_tokenizer_in_tag(const rill_tokenizer *t)
{
    return t->state >= STATE_TAG_NAME;
}
