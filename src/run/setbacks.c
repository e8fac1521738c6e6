#include "run/setbacks.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/mem.h"

/* ---- the table: sorted by id, in the view, so that it outlives a refresh ---- */

struct stm_id stm_setback_id(const struct stm_task *t)
{
    return t->piece->derived ? t->piece->origin_key : t->piece->key;
}

static size_t place(const struct stm_view *v, const struct stm_id *id)
{
    size_t lo = 0, hi = v->n_setbacks;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (memcmp(v->setbacks[mid].id.h, id->h, sizeof id->h) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct stm_setback *stm_setback_find(const struct stm_view *v, const struct stm_id *id)
{
    size_t i = place(v, id);
    return i < v->n_setbacks && stm_id_eq(&v->setbacks[i].id, id) ? &v->setbacks[i] : NULL;
}

struct stm_setback *stm_setback_note(struct stm_view *v, const struct stm_id *id, int node,
                                     unsigned seed)
{
    struct stm_setback *b = stm_setback_find(v, id);
    if (b) return b;
    if (v->n_setbacks == v->cap_setbacks) {
        size_t cap = v->cap_setbacks ? 2 * v->cap_setbacks : 16;
        struct stm_setback *p = stm_realloc(v->setbacks, cap * sizeof *p);
        if (!p) return NULL;
        v->setbacks = p;
        v->cap_setbacks = cap;
    }
    size_t i = place(v, id);
    memmove(v->setbacks + i + 1, v->setbacks + i, (v->n_setbacks - i) * sizeof *v->setbacks);
    v->n_setbacks++;
    v->setbacks[i] = (struct stm_setback){.id = *id, .node = node, .seed = seed};
    return &v->setbacks[i];
}

bool stm_view_given_up(const struct stm_view *v, int node, unsigned seed, struct stm_given_up *out)
{
    for (size_t i = 0; i < v->n_setbacks; i++) {
        const struct stm_setback *b = &v->setbacks[i];
        if (!b->given_up || b->node != node || b->seed != seed) continue;
        *out =
            (struct stm_given_up){.step = b->step, .code = b->code, .why = b->why, .help = b->help};
        return true;
    }
    return false;
}

/* ---- what a worker ended of ---- */

static int signal_of(const struct stm_end *e)
{
    return !e->heard && WIFSIGNALED(e->status) ? WTERMSIG(e->status) : 0;
}

bool stm_end_died(const struct stm_end *e) { return !e->heard || e->rc == STM_E_NOMEM; }

/* The limit of processor time in seconds, where the worker has reached it; else 0. */
static double spent_limit(const struct stm_end *e)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_CPU, &r)) return 0;
    rlim_t at = signal_of(e) == SIGXCPU ? r.rlim_cur : r.rlim_max;
    return at != RLIM_INFINITY && e->cpu_s > 0.9 * (double)at ? (double)at : 0;
}

bool stm_end_of_memory(const struct stm_end *e)
{
    if (e->heard) return e->rc == STM_E_NOMEM;
    return signal_of(e) == SIGKILL && spent_limit(e) == 0;
}

void stm_end_of(const struct stm_end *e, char out[32])
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGKILL, "SIGKILL"}, {SIGXCPU, "SIGXCPU"}, {SIGSEGV, "SIGSEGV"},
                 {SIGBUS, "SIGBUS"},   {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"},
                 {SIGILL, "SIGILL"},   {SIGTERM, "SIGTERM"}, {SIGSYS, "SIGSYS"}};
    int sig = signal_of(e);
    if (e->heard)
        snprintf(out, 32, "%s", e->rc == STM_E_NOMEM ? "want of memory" : "an error");
    else if (!sig)
        snprintf(out, 32, "exit status %d", WEXITSTATUS(e->status));
    else
        snprintf(out, 32, "signal %d", sig);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (sig && names[i].number == sig) snprintf(out, 32, "%s", names[i].name);
}

/* What is likely behind it, after a colon, and what to do. */
static const char *cause(const struct stm_end *e, char out[96])
{
    double limit = spent_limit(e);
    int sig = signal_of(e);
    out[0] = 0;
    if (sig == SIGXCPU || (sig == SIGKILL && limit > 0)) {
        snprintf(out, 96, ": the limit of processor time is %.0f s", limit);
        return "raise the limit (ulimit -t) and give the same command again; what was stored stays";
    }
    if (stm_end_of_memory(e)) {
        snprintf(out, 96, ": likely the memory was not enough (it had %.0f MB)", e->peak_mb);
        return "give the same command again with fewer --jobs or more memory; what was stored "
               "stays";
    }
    if (sig == SIGSEGV || sig == SIGBUS || sig == SIGABRT || sig == SIGFPE || sig == SIGILL)
        snprintf(out, 96, ": likely a fault of stemma or of the machine");
    return "the same command tries again; what was stored stays";
}

/* ---- what is done about it ---- */

void stm_setback_store_earlier(struct stm_setback *b, const struct stm_end *e, uint64_t usual,
                               uint64_t grid)
{
    enum { HUNDRED_MS = 4000 }; /* steps at most, or so */
    uint64_t now = b->anchor_every ? b->anchor_every : usual, reached = e->step - e->from;
    uint64_t next = now / 2;
    /* One that was not heard of at all may have died anywhere in its first tenth of a second. */
    if (!reached) next = (now < HUNDRED_MS ? now : HUNDRED_MS) / 16;
    if (reached && reached / 2 < next) next = reached / 2;
    if (grid && next > grid) next -= next % grid;
    b->anchor_every = next ? next : 1;
}

void stm_setback_give_up(struct stm_setback *b, const struct stm_end *e)
{
    char of[32], likely[96];
    b->given_up = true;
    b->step = e->step;
    b->code = STM_E_ENGINE;
    b->help = cause(e, likely);
    stm_end_of(e, of);
    if (stm_end_died(e))
        snprintf(b->why, sizeof b->why,
                 "%u workers in a row died with nothing new in the store, the last one of %s%s",
                 b->barren, of, likely);
    else
        snprintf(b->why, sizeof b->why,
                 "%u workers in a row left nothing new in the store, the last one said: %.150s",
                 b->barren, e->rc ? e->text : "done");
}

void stm_setback_refuse(struct stm_setback *b, const struct stm_end *e)
{
    b->given_up = true;
    b->step = e->step;
    b->code = e->rc;
    b->help = NULL;
    snprintf(b->why, sizeof b->why, "%s", e->text);
}
