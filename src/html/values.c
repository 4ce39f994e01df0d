#include "html/values.h"

#include <string.h>

static void skip_blanks(rill_slice *text)
{
    while (text->length && rill_names_blank(*text->at)) {
        text->at++;
        text->length--;
    }
}

static void skip(rill_slice *text)
{
    text->at++;
    text->length--;
}

static uint8_t first(const rill_slice *text)
{
    return text->length ? *text->at : 0;
}

/* Goes to the comma that ends an image's descriptors; none in parentheses does. */
static void skip_descriptors(rill_slice *rest)
{
    bool inside = false;
    for (; rest->length && (inside || *rest->at != ','); skip(rest)) {
        if (*rest->at == '(')
            inside = true;
        else if (*rest->at == ')')
            inside = false;
    }
}

rill_slice rill_values_srcset_next(rill_slice *rest)
{
    while (rest->length && (*rest->at == ',' || rill_names_blank(*rest->at)))
        skip(rest);
    rill_slice url = {rest->at, 0};
    while (rest->length && !rill_names_blank(*rest->at))
        skip(rest);
    url.length = (size_t)(rest->at - url.at);
    if (!url.length || url.at[url.length - 1] != ',')
        skip_descriptors(rest);
    while (url.length && url.at[url.length - 1] == ',')
        url.length--;
    return url;
}

/* Skips the letters "url", blanks and "=". False: something else stands there. */
static bool skip_url_sign(rill_slice *text)
{
    for (const char *letter = "url"; *letter; letter++) {
        if (rill_names_lower(first(text)) != (uint8_t)*letter)
            return false;
        skip(text);
    }
    skip_blanks(text);
    if (first(text) != '=')
        return false;
    skip(text);
    skip_blanks(text);
    return true;
}

rill_slice rill_values_refresh(rill_slice text)
{
    const rill_slice none = {text.at, 0};
    skip_blanks(&text);
    if (first(&text) != '.' && (first(&text) < '0' || first(&text) > '9'))
        return none;
    while (first(&text) == '.' || (first(&text) >= '0' && first(&text) <= '9'))
        skip(&text);
    if (first(&text) != ';' && first(&text) != ',' && !rill_names_blank(first(&text)))
        return none;
    skip_blanks(&text);
    if (first(&text) == ';' || first(&text) == ',')
        skip(&text);
    skip_blanks(&text);
    rill_slice whole = text;
    if (rill_names_lower(first(&text)) == 'u' && !skip_url_sign(&text))
        return whole;
    uint8_t quote = first(&text);
    if (quote != '"' && quote != '\'')
        return text;
    skip(&text);
    const uint8_t *end = text.length ? memchr(text.at, quote, text.length) : NULL;
    if (end)
        text.length = (size_t)(end - text.at);
    return text;
}

size_t rill_values_collapse(rill_slice text, uint8_t *out)
{
    uint8_t *to = out;
    for (skip_blanks(&text); text.length;) {
        if (rill_names_blank(*text.at)) {
            skip_blanks(&text);
            if (text.length)
                *to++ = ' ';
        } else {
            *to++ = *text.at;
            skip(&text);
        }
    }
    return (size_t)(to - out);
}

size_t rill_values_words(rill_slice text, uint8_t *out)
{
    size_t length = rill_values_collapse(text, out);
    for (size_t i = 0; i < length; i++)
        out[i] = rill_names_lower(out[i]);
    return length;
}

bool rill_values_has_word(rill_slice words, const char *word)
{
    size_t length = strlen(word);
    while (words.length >= length) {
        if (!memcmp(words.at, word, length) && (words.length == length || words.at[length] == ' '))
            return true;
        const uint8_t *space = memchr(words.at, ' ', words.length);
        if (!space)
            return false;
        words.length -= (size_t)(space + 1 - words.at);
        words.at = space + 1;
    }
    return false;
}
