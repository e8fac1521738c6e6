/* Progress on stderr: a live line an arm on a terminal, a plain line a finished stretch elsewhere.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"

struct progress {
    const struct stm_view *v;
    const struct stm_plan *p;
    bool live;
    unsigned drawn; /* lines on the screen */
    uint64_t *step; /* [n_nodes][n_seeds], as last told */
    struct timespec last;
    unsigned finished;
};

struct progress *progress_new(const struct stm_view *v, const struct stm_plan *p)
{
    struct progress *x = stm_calloc(1, sizeof *x);
    const char *term = getenv("TERM");
    if (!x) return NULL;
    x->v = v;
    x->p = p;
    x->live = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"));
    x->step = stm_calloc((size_t)p->n_nodes * stm_view_data(v)->n_seeds, sizeof *x->step);
    if (x->step) return x;
    stm_free(x);
    return NULL;
}

static void draw(struct progress *x)
{
    unsigned n_seeds = stm_view_data(x->v)->n_seeds, lines = 0;
    struct stm_buf b = {0};
    if (x->drawn) stm_buf_printf(&b, "\x1b[%uA", x->drawn);
    for (unsigned i = 0; i < x->p->n_nodes; i++) {
        if (x->p->nodes[i].off) continue;
        unsigned done = 0, started = 0;
        uint64_t low = UINT64_MAX, high = 0;
        for (unsigned s = 0; s < n_seeds; s++) {
            struct stm_rep r = stm_view_rep(x->v, (int)i, s);
            uint64_t at = x->step[i * n_seeds + s];
            if (r.status >= STM_REP_PARTIAL && r.last > at) at = r.last;
            if (r.status == STM_REP_DONE || r.status == STM_REP_DIVERGED)
                done++;
            else if (at) {
                started++;
                low = at < low ? at : low;
                high = at > high ? at : high;
            }
        }
        unsigned bar = n_seeds ? 20 * done / n_seeds : 0;
        stm_buf_printf(&b, "\x1b[2K%-30.30s [%.*s%.*s] %u/%u", x->p->nodes[i].path, (int)bar,
                       "####################", (int)(20 - bar), "....................", done,
                       n_seeds);
        if (started && low == high)
            stm_buf_printf(&b, "  step %llu", (unsigned long long)low);
        else if (started)
            stm_buf_printf(&b, "  steps %llu..%llu", (unsigned long long)low,
                           (unsigned long long)high);
        stm_buf_printf(&b, "\n");
        lines++;
    }
    fputs(stm_buf_text(&b), stderr);
    stm_buf_release(&b);
    x->drawn = lines;
}

void progress_step(void *progress, const struct stm_progress *p, bool done)
{
    struct progress *x = progress;
    const struct stm_data *d = stm_view_data(x->v);
    x->step[(size_t)p->node * d->n_seeds + p->seed] = p->step;
    if (!x->live) {
        if (done)
            fprintf(stderr, "%s#%d: step %llu\n", x->p->nodes[p->node].path, d->seeds[p->seed],
                    (unsigned long long)p->step);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since =
        (double)(now.tv_sec - x->last.tv_sec) + 1e-9 * (double)(now.tv_nsec - x->last.tv_nsec);
    if (!done && since < 0.2) return;
    x->last = now;
    draw(x);
}

void progress_free(struct progress *p)
{
    if (!p) return;
    if (p->live) draw(p);
    stm_free(p->step);
    stm_free(p);
}
