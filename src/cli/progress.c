/* Progress on stderr: a live line an arm on a terminal, a plain line a finished stretch elsewhere.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/cli.h"

struct progress {
    const struct stm_view *v;
    const struct stm_plan *p;
    bool live;
    unsigned columns, rows;
    unsigned drawn;       /* lines on the screen */
    uint64_t *step;       /* [n_nodes][n_seeds], as last told */
    uint64_t steps;       /* trained since the start */
    uint64_t worst;       /* steps still to be trained at the most, when a stretch last ended */
    uint64_t since_worst; /* trained since then */
    struct timespec start, last;
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
    clock_gettime(CLOCK_MONOTONIC, &x->start);
    if (x->step) return x;
    stm_free(x);
    return NULL;
}

static double seconds(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) + 1e-9 * (double)(to->tv_nsec - from->tv_nsec);
}

/* "grok 3/12" for the last event that the plan declares and an arm's stop names. */
static void ticks(const struct progress *x, int node, unsigned n_seeds, struct stm_buf *b)
{
    const struct stm_node *n = &x->p->nodes[node];
    const struct stm_data *d = stm_view_data(x->v);
    for (unsigned i = 0; n->stop && i < n->stop->n; i++) {
        int event = n->stop->alternatives[i].event;
        unsigned came = 0;
        for (unsigned s = 0; event >= 0 && s < n_seeds; s++) {
            double step;
            bool censored;
            came += d->event(d->ctx, node, s, event, &step, &censored) && !censored;
        }
        if (event >= 0) stm_buf_printf(b, "  %s %u/%u", x->p->events[event].name, came, n_seeds);
    }
}

/* The last column stays free: a character there makes some terminals wrap. */
static void screen_line(const struct progress *x, size_t start, struct stm_buf *b)
{
    size_t end = start, columns = 0;
    uint32_t u;
    while (end < b->n && columns + 1 < x->columns) {
        unsigned len = stm_utf8_get(b->p + end, b->n - end, &u);
        end += len ? len : 1;
        columns++;
    }
    b->n = end < b->n ? end : b->n;
    stm_buf_printf(b, "\x1b[K\n");
}

/* A bar, counts, steps and events want some 40 columns; the rest is the path's. */
static unsigned name_columns(unsigned columns)
{
    return columns < 60 ? 16 : columns < 84 ? columns - 44 : 40;
}

/* A path in n columns. Of one that is longer the tail is shown, which says which arm it is. */
static void tail_print(const char *path, unsigned n, struct stm_buf *b)
{
    size_t len = strlen(path);
    if (len <= n)
        stm_buf_printf(b, "%-*s", (int)n, path);
    else
        stm_buf_printf(b, "…%s", path + len - (n - 1));
}

static void draw_node(const struct progress *x, int node, unsigned n_seeds, struct stm_buf *b)
{
    unsigned done = 0, started = 0;
    uint64_t low = UINT64_MAX, high = 0;
    for (unsigned s = 0; s < n_seeds; s++) {
        struct stm_rep r = stm_view_rep(x->v, node, s);
        uint64_t at = x->step[(size_t)node * n_seeds + s];
        if (r.status >= STM_REP_PARTIAL && r.last > at) at = r.last;
        if (r.status == STM_REP_DONE || r.status == STM_REP_DIVERGED)
            done++;
        else if (at) {
            started++;
            low = at < low ? at : low;
            high = at > high ? at : high;
        }
    }
    int bar = (int)(n_seeds ? 12 * done / n_seeds : 0);
    size_t start = b->n;
    tail_print(x->p->nodes[node].path, name_columns(x->columns), b);
    stm_buf_printf(b, " [%.*s%.*s] %u/%u", bar, "############", 12 - bar, "............", done,
                   n_seeds);
    if (started && low == high)
        stm_buf_printf(b, "  step %llu", (unsigned long long)low);
    else if (started)
        stm_buf_printf(b, "  %llu..%llu", (unsigned long long)low, (unsigned long long)high);
    ticks(x, node, n_seeds, b);
    screen_line(x, start, b);
}

/* What is left is said where there is room for it. */
static void draw_footer(const struct progress *x, struct stm_buf *b)
{
    double t = seconds(&x->start, &x->last), rate = t > 0 ? (double)x->steps / t : 0;
    uint64_t left = x->worst > x->since_worst ? x->worst - x->since_worst : 0;
    size_t start = b->n;
    number_print(x->steps, b);
    stm_buf_printf(b, " steps in %.0f s, %.0f a second", t, rate);
    if (rate > 0) {
        double minutes = (double)left / rate / 60;
        size_t room = x->columns > b->n - start ? x->columns - (b->n - start) : 0;
        char text[80];
        int n =
            snprintf(text, sizeof text, "; at most %.0f min left if no arm stops early", minutes);
        if ((size_t)n >= room) n = snprintf(text, sizeof text, "; at most %.0f min left", minutes);
        if ((size_t)n < room) stm_buf_printf(b, "%s", text);
    }
    screen_line(x, start, b);
}

/* On a short terminal only the arms that are at work are shown. */
static bool fits(const struct progress *x, int node, unsigned n_seeds, unsigned lines)
{
    if (x->p->n_nodes + 2 <= x->rows) return true;
    bool working = false;
    for (unsigned s = 0; s < n_seeds; s++)
        working = working || stm_view_rep(x->v, node, s).status == STM_REP_PARTIAL ||
                  (x->step[(size_t)node * n_seeds + s] &&
                   stm_view_rep(x->v, node, s).status < STM_REP_DONE);
    return working && lines + 2 < x->rows;
}

/* Asked for at every drawing: a window may change its size. */
static void measure(struct progress *x)
{
    struct winsize w;
    bool known = !ioctl(STDERR_FILENO, TIOCGWINSZ, &w);
    x->columns = known && w.ws_col ? w.ws_col : 80;
    x->rows = known && w.ws_row ? w.ws_row : 24;
}

static void draw(struct progress *x)
{
    unsigned n_seeds = stm_view_data(x->v)->n_seeds, lines = 1;
    struct stm_buf b = {0};
    measure(x);
    if (x->drawn >= x->rows) x->drawn = x->rows - 1; /* what was above is out of reach */
    if (x->drawn) stm_buf_printf(&b, "\x1b[%uA", x->drawn);
    for (unsigned i = 0; i < x->p->n_nodes; i++) {
        if (x->p->nodes[i].off || !fits(x, (int)i, n_seeds, lines)) continue;
        draw_node(x, (int)i, n_seeds, &b);
        lines++;
    }
    draw_footer(x, &b);
    if (lines < x->drawn) stm_buf_printf(&b, "\x1b[J");
    fputs(stm_buf_text(&b), stderr);
    stm_buf_release(&b);
    x->drawn = lines;
}

static void count_steps(struct progress *x, const struct stm_progress *p, uint64_t *known,
                        bool done)
{
    uint64_t before = *known > p->from ? *known : p->from;
    if (p->step > before) {
        x->steps += p->step - before;
        x->since_worst += p->step - before;
    }
    *known = p->step;
    if (!done && x->worst) return;
    struct stm_cost cost;
    stm_view_cost(x->v, STM_ANCHOR_EVERY, &cost);
    x->worst = cost.worst;
    x->since_worst = 0;
}

void progress_step(void *progress, const struct stm_progress *p, bool done)
{
    struct progress *x = progress;
    const struct stm_data *d = stm_view_data(x->v);
    uint64_t *known = &x->step[(size_t)p->node * d->n_seeds + p->seed];
    if (!x->live) {
        *known = p->step;
        if (done)
            fprintf(stderr, "%s#%d: step %llu\n", x->p->nodes[p->node].path, d->seeds[p->seed],
                    (unsigned long long)p->step);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    count_steps(x, p, known, done);
    if (!done && seconds(&x->last, &now) < 0.2) return;
    x->last = now;
    draw(x);
}

/* A line that stays, above what is drawn. */
void progress_notice(void *progress, const char *text)
{
    struct progress *x = progress;
    if (x->drawn) fprintf(stderr, "\x1b[%uA\x1b[J", x->drawn);
    x->drawn = 0;
    fprintf(stderr, "note: %s\n", text);
}

void progress_free(struct progress *p)
{
    if (!p) return;
    if (p->live) draw(p);
    stm_free(p->step);
    stm_free(p);
}
