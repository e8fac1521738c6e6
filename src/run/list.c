#include "run/list.h"

#include <stdio.h>
#include <string.h>

enum { MORE = 24 }; /* bytes of " and 4294967295 more", terminated */

static bool is_full(const struct stm_list *l) { return l->at > l->size; }

void stm_list_add(struct stm_list *l, const char *name)
{
    const size_t need = strlen(name) + (l->n ? 2 : 0);
    l->n++;
    if (is_full(l)) return;
    if (need >= l->size - l->at) {
        l->at = l->size + 1;
        return;
    }
    snprintf(l->out + l->at, l->size - l->at, "%s%s", l->n > 1 ? ", " : "", name);
    l->at += need;
    if (l->at + MORE > l->size) return;
    l->cut = l->at;
    l->at_cut = l->n;
}

void stm_list_end(struct stm_list *l)
{
    if (!is_full(l)) return;
    if (l->at_cut)
        snprintf(l->out + l->cut, l->size - l->cut, " and %u more", l->n - l->at_cut);
    else
        snprintf(l->out, l->size, "%u tensor%s", l->n, l->n > 1 ? "s" : "");
}
