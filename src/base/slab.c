#include "base/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/long_block.h"

/* Under AddressSanitizer every block but long ones is malloc's own and of the size asked for: so it
 * sees what is used after it was freed, or beyond its end. */
#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#define POOLED !__has_feature(address_sanitizer)
#else
#define POOLED 1
#endif

/* In front of each block; 16 bytes keep the block aligned. */
typedef struct header {
    size_t size; /* usable bytes of the block */
    uint32_t class_index;
    uint32_t pad;
} header;

/* class_index of what is of no class, behind those of free lists and those of the shelf. */
enum { SHELVED = SLAB_CLASSES, PLAIN = SHELVED + SHELF_CLASSES, SPARSE, LONG };

static bool is_shelved(uint32_t index)
{
    return index >= SHELVED && index < PLAIN;
}

/* Whether malloc() has it, and free() may: it grows by realloc(). */
static bool is_of_malloc(uint32_t index)
{
    return index >= SHELVED && index <= PLAIN;
}

static uint32_t class_of(const rill_slab *slab, size_t size)
{
    if (!POOLED || (size > SLAB_LARGEST && (!slab->shelf || size > SHELF_LARGEST)))
        return size < LONG_BLOCK ? PLAIN : LONG;
    if (size <= SLAB_SMALLEST)
        return 0;
    float below = (float)(int32_t)(size - 1); /* exact: its exponent and two bits are the class */
    uint32_t bits;
    memcpy(&bits, &below, sizeof(bits));
    return 1 + (bits >> 21) - ((127 + 5) << 2);
}

static size_t room_of(uint32_t index)
{
    return index ? (size_t)(5 + (index - 1) % 4) << (3 + (index - 1) / 4) : SLAB_SMALLEST;
}

static header *header_of(void *block)
{
    return (header *)block - 1;
}

void rill_slab_dispose(rill_slab *slab)
{
    for (int i = 0; i < SLAB_CLASSES; i++) {
        while (slab->free[i]) {
            void *block = slab->free[i];
            slab->free[i] = *(void **)block;
            free(header_of(block));
        }
    }
    slab->taken -= slab->kept;
    slab->kept = 0;
    rill_sparse_dispose(&slab->sparse);
    rill_shelf_close(slab->shelf);
    rill_shelf_release(slab->shelf);
    slab->shelf = NULL;
}

/* NULL, for NULL. */
static void *enter(rill_slab *slab, header *head, size_t size, uint32_t index)
{
    if (!head)
        return NULL;
    head->size = size;
    head->class_index = index;
    slab->taken += sizeof(header) + size;
    return head + 1;
}

/* NULL: none lies there. */
static void *from_shelf(rill_slab *slab, uint32_t index)
{
    header *head = is_shelved(index) ? rill_shelf_take(slab->shelf, index - SHELVED) : NULL;
    return enter(slab, head, room_of(index), index);
}

/* One that no free list has. */
static RILL_APART void *new_block(rill_slab *slab, size_t size, uint32_t index)
{
    void *block = from_shelf(slab, index);
    if (block)
        return block;
    if (index < PLAIN)
        size = room_of(index);
    if (size > SIZE_MAX - sizeof(header))
        return NULL;
    size_t whole = sizeof(header) + size;
    return enter(slab, index == LONG ? rill_long_block_new(whole) : malloc(whole), size, index);
}

void *rill_slab_alloc(rill_slab *slab, size_t size)
{
    uint32_t index = class_of(slab, size);
    void *block = index < SLAB_CLASSES ? slab->free[index] : NULL;
    if (!block)
        return new_block(slab, size, index);
    slab->free[index] = *(void **)block;
    slab->kept -= sizeof(header) + header_of(block)->size;
    return block;
}

static RILL_APART void *new_sparse(rill_slab *slab, size_t size)
{
    return enter(slab, rill_sparse_alloc(&slab->sparse), size, SPARSE);
}

void *rill_slab_alloc_sparse(rill_slab *slab, size_t size)
{
    if (!POOLED || size <= SLAB_SPARSE || size > SPARSE_BLOCK - sizeof(header))
        return rill_slab_alloc(slab, size);
    return new_sparse(slab, size);
}

void *rill_slab_zalloc(rill_slab *slab, size_t size)
{
    void *block = rill_slab_alloc(slab, size);
    if (block)
        memset(block, 0, size);
    return block;
}

/* Whether such a block may become that one where it is: malloc() or the system makes it larger. */
static bool may_grow(uint32_t index, uint32_t to)
{
    return (is_of_malloc(index) && is_of_malloc(to)) || (index == LONG && to == LONG);
}

static void *resize(rill_slab *slab, header *head, size_t size, uint32_t index)
{
    size_t before = head->size;
    if (is_shelved(index))
        size = room_of(index);
    if (size > SIZE_MAX - sizeof(header))
        return NULL;
    size_t whole = sizeof(header) + size;
    header *moved = index == LONG ? rill_long_block_resize(head, sizeof(header) + before, whole)
                                  : realloc(head, whole);
    if (!moved)
        return NULL;
    slab->taken -= sizeof(header) + before;
    return enter(slab, moved, size, index);
}

void *rill_slab_realloc(rill_slab *slab, void *block, size_t size)
{
    if (!block)
        return rill_slab_alloc(slab, size);
    header *head = header_of(block);
    if (head->size >= size && head->class_index < PLAIN)
        return block;
    uint32_t index = class_of(slab, size);
    bool grows = may_grow(head->class_index, index);
    void *copy = grows ? from_shelf(slab, index) : rill_slab_alloc(slab, size);
    if (!copy)
        return grows ? resize(slab, head, size, index) : NULL;
    size_t length = head->size < size ? head->size : size;
    if (index != LONG || !rill_long_block_write(slab->process, copy, block, length))
        memcpy(copy, block, length);
    rill_slab_free(slab, block);
    return copy;
}

void rill_slab_free_detached(rill_shelf *shelf, void *detached)
{
    header *head = detached;
    if (!head)
        return;
    uint32_t index = head->class_index;
    if (index == LONG)
        rill_long_block_free(head, sizeof(header) + head->size);
    else if (!is_shelved(index) || !rill_shelf_put(shelf, index - SHELVED, head, head->size))
        free(head);
}

/* What the free lists do not keep. */
static RILL_APART void give_back(rill_slab *slab, header *head)
{
    slab->taken -= sizeof(header) + head->size;
    if (head->class_index == SPARSE)
        rill_sparse_free(&slab->sparse, head);
    else
        rill_slab_free_detached(slab->shelf, head);
}

void rill_slab_free(rill_slab *slab, void *block)
{
    if (!block)
        return;
    header *head = header_of(block);
    size_t kept = slab->kept + sizeof(header) + head->size;
    if (head->class_index >= SLAB_CLASSES || kept > SLAB_KEEP_BYTES) {
        give_back(slab, head);
        return;
    }
    *(void **)block = slab->free[head->class_index];
    slab->free[head->class_index] = block;
    slab->kept = kept;
}

void *rill_slab_detach(rill_slab *slab, void *block)
{
    if (!block)
        return NULL;
    header *head = header_of(block);
    size_t whole = sizeof(header) + head->size;
    slab->taken -= whole;
    if (head->class_index == LONG)
        rill_long_block_seal(head, whole);
    return head;
}
