/* Lists of what is embedded: each end and any member is reached in one step. */
#ifndef RILL_LIST_H
#define RILL_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rill_list rill_list;
typedef struct rill_member rill_member;

/* Zeroed: empty. */
struct rill_list {
    rill_member *first, *last; /* borrowed */
};

/* Zeroed: in no list. */
struct rill_member {
    rill_list *list; /* NULL: in none */
    rill_member *next, *prev;
};

/* What a member (or an item of a table) is embedded in; NULL for NULL. */
#define RILL_OWNER(member, type, field) ((type *)rill_list_owner(member, offsetof(type, field)))

static inline void *rill_list_owner(void *member, size_t offset)
{
    return member ? (char *)member - offset : NULL;
}

/* Puts a member of no list at the end. */
static inline void rill_list_push(rill_list *list, rill_member *member)
{
    member->list = list;
    member->next = NULL;
    member->prev = list->last;
    *(list->last ? &list->last->next : &list->first) = member;
    list->last = member;
}

/* Puts one at the front. */
static inline void rill_list_push_first(rill_list *list, rill_member *member)
{
    member->list = list;
    member->next = list->first;
    member->prev = NULL;
    *(list->first ? &list->first->prev : &list->last) = member;
    list->first = member;
}

/* Puts one before another of the list; NULL: at the end. */
static inline void rill_list_insert(rill_list *list, rill_member *member, rill_member *before)
{
    rill_member *prev = before ? before->prev : list->last;
    *member = (rill_member){.list = list, .next = before, .prev = prev};
    *(prev ? &prev->next : &list->first) = member;
    *(before ? &before->prev : &list->last) = member;
}

/* Takes a member out of its list; one that is in none is left alone. */
static inline void rill_list_leave(rill_member *member)
{
    rill_list *list = member->list;
    if (!list)
        return;
    *(member->prev ? &member->prev->next : &list->first) = member->next;
    *(member->next ? &member->next->prev : &list->last) = member->prev;
    *member = (rill_member){0};
}

#endif
