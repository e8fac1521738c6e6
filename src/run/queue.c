#include "run/queue.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/mem.h"

/* How far the seeds of a node that are done have gone: the mean, or STM_NEVER while there are none.
 */
static uint64_t usual_end(const struct stm_view *v, int node)
{
    uint64_t sum = 0, n = 0;
    for (unsigned i = 0; i < v->n_seeds; i++) {
        const struct stm_replicate *r = stm_view_replicate(v, node, i);
        if (r->pub.status != STM_REP_DONE) continue;
        sum += r->pub.last;
        n++;
    }
    return n ? sum / n : STM_NEVER;
}

/* Tasks on which forks wait go first, then the longest ones, so that none of these begins when the
 * other processors have run out of work. How long one is: to where its arm usually ends, its bound
 * while none has. */
static uint64_t urgency(const struct stm_view *v, const struct stm_task *t, uint64_t usual)
{
    const uint64_t gate = UINT64_C(1) << 62;
    uint64_t from = t->piece->from, end = usual < t->until ? usual : t->until;
    if (t->piece->trail && t->piece->trail->exists && t->piece->trail->last > from)
        from = t->piece->trail->last;
    return (v->plan->nodes[t->node].n_forks ? gate : 0) + (end > from ? end - from : 0);
}

/* One whose workers left nothing new waits until the others have been given out. */
static int by_urgency(const void *a, const void *b)
{
    const struct stm_queue_entry *x = a, *y = b;
    if (x->barren != y->barren) return x->barren < y->barren ? -1 : 1;
    if (x->urgency != y->urgency) return x->urgency > y->urgency ? -1 : 1;
    return x->task < y->task ? -1 : x->task > y->task;
}

static int reserve(struct stm_queue *q, size_t n, struct stm_err *err)
{
    if (n <= q->cap) return 0;
    struct stm_queue_entry *e = stm_realloc(q->e, n * sizeof *e);
    if (!e) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    q->e = e;
    q->cap = n;
    return 0;
}

int stm_queue_fill(struct stm_queue *q, const struct stm_view *v, struct stm_err *err)
{
    int rc = reserve(q, v->n_tasks, err), node = -1;
    uint64_t usual = STM_NEVER;
    q->n = q->first = 0;
    for (size_t i = 0; !rc && i < v->n_tasks; i++) {
        const struct stm_task *t = &v->tasks[i];
        struct stm_id id = stm_setback_id(t);
        const struct stm_setback *b = stm_setback_find(v, &id);
        if (t->node != node) usual = usual_end(v, node = t->node); /* they come by nodes */
        if (b && b->given_up) continue;
        q->e[q->n++] = (struct stm_queue_entry){
            .task = t, .id = id, .barren = b ? b->barren : 0, .urgency = urgency(v, t, usual)};
    }
    if (q->n) qsort(q->e, q->n, sizeof *q->e, by_urgency);
    return rc;
}

void stm_queue_release(struct stm_queue *q)
{
    stm_free(q->e);
    *q = (struct stm_queue){0};
}

const struct stm_task *stm_queue_take(struct stm_queue *q,
                                      bool (*may)(void *ctx, const struct stm_queue_entry *e),
                                      void *ctx)
{
    while (q->first < q->n && !q->e[q->first].task) q->first++;
    for (size_t i = q->first; i < q->n; i++) {
        const struct stm_task *t = q->e[i].task;
        if (!t || !may(ctx, &q->e[i])) continue;
        q->e[i].task = NULL;
        return t;
    }
    return NULL;
}

void stm_queue_drop(struct stm_queue *q, const struct stm_id *id)
{
    for (size_t i = q->first; i < q->n; i++)
        if (q->e[i].task && stm_id_eq(&q->e[i].id, id)) q->e[i].task = NULL;
}
