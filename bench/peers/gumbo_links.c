/* The links of pages by gumbo, which builds the tree that the HTML Standard describes. */
#include <gumbo.h>
#include <string.h>

#include "pages.h"

static void visit(pages *all, const GumboElement *element)
{
    const GumboAttribute *href = gumbo_get_attribute(&element->attributes, "href");
    if (!href)
        return;
    if (element->tag == GUMBO_TAG_A || element->tag == GUMBO_TAG_AREA)
        pages_href(all, href->value, strlen(href->value));
    else if (element->tag == GUMBO_TAG_BASE)
        pages_base(all, href->value, strlen(href->value));
}

static void walk(pages *all, const GumboNode *node)
{
    if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_TEMPLATE)
        return;
    visit(all, &node->v.element);
    for (unsigned i = 0; i < node->v.element.children.length; i++)
        walk(all, node->v.element.children.data[i]);
}

static void parse(pages *all, const char *bytes, size_t length)
{
    GumboOutput *output = gumbo_parse_with_options(&kGumboDefaultOptions, bytes, length);
    walk(all, output->root);
    gumbo_destroy_output(&kGumboDefaultOptions, output);
}

int main(int argc, char **argv)
{
    return pages_main(argc, argv, parse);
}
