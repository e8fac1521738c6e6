#include "protocol/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pr_nomem(struct ctx *c) { longjmp(c->nomem, 1); }

void *pr_alloc(struct ctx *c, size_t n)
{
    void *p = stm_arena_alloc(c->plan_arena, n ? n : 1);
    if (!p) pr_nomem(c);
    return p;
}

char *pr_strndup(struct ctx *c, const char *s, size_t n)
{
    char *p = pr_alloc(c, n + 1);
    if (n) memcpy(p, s, n);
    return p;
}

char *pr_printf(struct ctx *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = pr_alloc(c, (size_t)(n < 0 ? 0 : n) + 1);
    va_start(ap, fmt);
    if (n > 0) vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void *pr_push(struct ctx *c, struct vec *v, size_t size)
{
    if (v->n == v->cap) {
        unsigned cap = v->cap ? v->cap * 2 : 4;
        void *p = pr_alloc(c, cap * size);
        if (v->n) memcpy(p, v->p, v->n * size);
        v->p = p;
        v->cap = cap;
    }
    return (char *)v->p + size * v->n++;
}

static unsigned hash_name(const char *s)
{
    unsigned h = 2166136261u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

/* The slot of `key`, or the free one where it would go; cap is a power of two, never full. */
static struct map_slot *find_slot(const struct map *m, const char *key)
{
    unsigned i = hash_name(key) & (m->cap - 1);
    while (m->slots[i].key && strcmp(m->slots[i].key, key) != 0) i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

int pr_map_get(const struct map *m, const char *key)
{
    if (!m->n) return -1;
    const struct map_slot *s = find_slot(m, key);
    return s->key ? s->value : -1;
}

static void map_grow(struct ctx *c, struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : 32, .n = m->n};
    bigger.slots = pr_alloc(c, bigger.cap * sizeof *bigger.slots);
    for (unsigned i = 0; i < m->cap; i++)
        if (m->slots[i].key) *find_slot(&bigger, m->slots[i].key) = m->slots[i];
    *m = bigger;
}

void pr_map_put(struct ctx *c, struct map *m, const char *key, int value)
{
    if (m->n * 2 >= m->cap) map_grow(c, m);
    struct map_slot *s = find_slot(m, key);
    if (!s->key) m->n++;
    *s = (struct map_slot){key, value};
}

const char *pr_scratch_take(struct ctx *c, size_t mark)
{
    if (c->scratch.failed) pr_nomem(c);
    const char *text = pr_strndup(c, (const char *)c->scratch.p + mark, c->scratch.n - mark);
    c->scratch.n = mark;
    return text;
}

const char *pr_number_text(struct ctx *c, double x)
{
    size_t mark = c->scratch.n;
    stm_buf_number(&c->scratch, x);
    return pr_scratch_take(c, mark);
}
