#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/cli.h"

enum { MANY_REPLICATES = 10000 };

static volatile int interrupted;

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static int confirm(const struct options *o, const struct session *s)
{
    struct stm_cost cost;
    stm_view_cost(s->view, STM_ANCHOR_EVERY, &cost);
    if (cost.replicates <= MANY_REPLICATES || o->yes) return EXIT_YES;
    fprintf(stderr,
            "stemma: the plan has %u replicates, more than %d\nhelp: look at `stemma plan`, then "
            "add --yes\n",
            cost.replicates, MANY_REPLICATES);
    return EXIT_USAGE;
}

/* Evaluates every claim and table, to see what they ask for; what nobody measured is planned. */
int plan_reads(struct session *s, struct stm_err *err)
{
    const struct stm_data *d = stm_view_data(s->view);
    struct stm_results *r = NULL;
    struct stm_buf unread = {0};
    stm_view_note(s->view, true);
    int rc = stm_results_compute(&r, d, err);
    if (!rc) rc = stm_results_print(r, d, (struct stm_style){.width = 80}, &unread, err);
    stm_view_note(s->view, false);
    stm_results_free(r);
    stm_buf_release(&unread);
    return rc ? rc : stm_view_refresh(s->view, err);
}

/* Trains what is missing, and what the claims ask for at steps that were not measured, until there
 * is nothing left that can be executed. Each round must execute something. */
static int train(struct session *s, const struct stm_run_options *ro, struct stm_run_outcome *out,
                 struct stm_err *err)
{
    int rc = plan_reads(s, err);
    while (!rc && stm_view_tasks(s->view)) {
        struct stm_run_outcome part;
        rc = stm_run_execute(s->view, ro, &part, err);
        out->steps += part.steps;
        out->stretches += part.stretches;
        out->restarts += part.restarts;
        if (part.peak_mb > out->peak_mb) out->peak_mb = part.peak_mb;
        if (!rc && !part.stretches) break;
        if (!rc) rc = plan_reads(s, err);
    }
    return rc;
}

/* The first seed of an arm that was given up; how many there are. */
static unsigned first_given_up(const struct session *s, int node, unsigned *seed,
                               struct stm_given_up *first)
{
    unsigned n = 0;
    struct stm_given_up g;
    for (unsigned k = 0; k < stm_view_data(s->view)->n_seeds; k++) {
        if (!stm_view_given_up(s->view, node, k, &g) || n++) continue;
        *seed = k;
        *first = g;
    }
    return n;
}

/* Arms that were given up while the others went on, a message each, with one help; EXIT_YES when
 * there are none. */
static int say_given_up(const struct session *s)
{
    int code = EXIT_YES;
    const char *help = NULL;
    for (unsigned n = 0; n < s->plan->n_nodes; n++) {
        unsigned seed, count;
        struct stm_given_up g;
        count = first_given_up(s, (int)n, &seed, &g);
        if (!count) continue;
        fprintf(stderr, "stemma: gave up %s#%d at step %llu", s->plan->nodes[n].path,
                stm_view_data(s->view)->seeds[seed], (unsigned long long)g.step);
        if (count > 1) fprintf(stderr, " (and %u more of its seeds)", count - 1);
        fprintf(stderr, ": %s\n", g.why);
        if (!help) help = g.help;
        code = !code || code == exit_code(g.code) ? exit_code(g.code) : EXIT_BROKEN;
    }
    if (help) fprintf(stderr, "help: %s\n", help);
    return code;
}

/* The outcome goes to `out` for the closing line. */
static int execute(const struct options *o, struct session *s, struct stm_run_outcome *out)
{
    struct stm_err err = {0};
    struct sigaction sa = {.sa_handler = on_signal};
    struct progress *progress = progress_new(s->view, s->plan);
    struct stm_run_options ro = {.jobs = o->jobs,
                                 .anchor_every = o->anchors,
                                 .progress = progress ? progress_step : NULL,
                                 .notice = progress ? progress_notice : NULL,
                                 .ctx = progress,
                                 .interrupt = &interrupted};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    int rc = train(s, &ro, out, &err);
    progress_free(progress);
    if (!rc) return EXIT_YES;
    if (rc != STM_E_INTERRUPTED) return fail(&err, NULL);
    say_given_up(s);
    fprintf(stderr, "stemma: %s\nhelp: this goes on from here: %s\n", err.msg, o->line);
    return EXIT_INTERRUPTED;
}

/* Arms that could not run, a line each with the reason of the first seed; how many replicates. */
static unsigned print_not_run(const struct session *s, struct stm_buf *out)
{
    unsigned total = 0, n_seeds = stm_view_data(s->view)->n_seeds;
    for (unsigned n = 0; n < s->plan->n_nodes; n++) {
        unsigned count = 0;
        char why[200] = "";
        for (unsigned k = 0; k < n_seeds; k++) {
            struct stm_rep r = stm_view_rep(s->view, (int)n, k);
            if (r.status != STM_REP_CANCELLED && r.status != STM_REP_WAITING) continue;
            if (!count++) snprintf(why, sizeof why, "%s", r.why);
        }
        if (count)
            stm_buf_printf(out, "not run: %s, %u of %u seeds: %s\n", s->plan->nodes[n].path, count,
                           n_seeds, why);
        total += count;
    }
    if (total) stm_buf_printf(out, "\n");
    return total;
}

/* Marks each expectation as registered or added after data, where the design has a registration. */
static int mark_registered(const struct session *s, struct stm_results *r, struct stm_err *err)
{
    bool any, *flags = stm_calloc(s->plan->n_expects, sizeof *flags);
    if (!flags) {
        err->code = STM_E_NOMEM;
        return STM_E_NOMEM;
    }
    int rc = stm_registry_read(s->store, s->plan, &any, flags, err);
    for (unsigned i = 0; !rc && any && i < s->plan->n_expects; i++)
        r->expects[i].registration = flags[i] ? STM_REG_BEFORE : STM_REG_AFTER;
    stm_free(flags);
    return rc;
}

static int results(const struct options *o, const struct session *s, struct stm_buf *out)
{
    struct stm_results *r = NULL;
    struct stm_err err = {0};
    const struct stm_data *d = stm_view_data(s->view);
    int rc = stm_results_compute(&r, d, &err);
    if (!rc) rc = mark_registered(s, r, &err);
    struct stm_style style = {.color = stdout_color(), .width = stdout_width()};
    if (!rc)
        rc =
            o->json ? stm_results_json(r, d, out, &err) : stm_results_print(r, d, style, out, &err);
    if (o->json) warnings_json(&s->warnings, out);
    int code = rc ? fail(&err, NULL) : r->fails ? EXIT_NO : EXIT_YES;
    stm_results_free(r);
    return code;
}

static double seconds_since(const struct timespec *t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) + 1e-9 * (double)(now.tv_nsec - t->tv_nsec);
}

int cmd_run(const struct options *o)
{
    struct session s;
    struct stm_buf out = {0};
    struct stm_err err = {0};
    struct stm_run_outcome outcome = {0};
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int code = session_file(&s, o, o->args[0], STORE_CREATED);
    if (code) return code;
    code = confirm(o, &s);
    if (!code && stm_catalog_put(s.store, s.plan, s.vo.seed_lo, s.vo.seed_hi, s.vo.profile, &err))
        code = fail(&err, NULL);
    if (!code) warn_of_twins(&s);
    if (!code) code = execute(o, &s, &outcome);
    if (!code) {
        unsigned not_run = print_not_run(&s, &out);
        if (o->json) stm_buf_clear(&out);
        code = results(o, &s, &out);
        if (not_run && !code) code = EXIT_NO;
        if (!o->json) {
            stm_buf_printf(&out, "executed ");
            number_print(outcome.steps, &out);
            stm_buf_printf(&out, " steps in %.1f s; worker peak %.0f MB\nprofile %s\n",
                           seconds_since(&start), outcome.peak_mb, s.vo.profile);
        }
        int written = put_out(&out);
        if (written) code = written;
        int given_up = say_given_up(&s);
        if (given_up) code = given_up;
    }
    stm_buf_release(&out);
    session_close(&s);
    return code;
}

int cmd_report(const struct options *o)
{
    struct session s;
    struct stm_buf out = {0};
    struct stm_err err = {0};
    int code = session_file(&s, o, o->args[0], STORE_EXISTS);
    if (code) return code;
    const struct stm_data *d = stm_view_data(s.view);
    if (o->csv || o->ndjson) {
        int rc = o->csv ? stm_replicates_csv(d, &out, &err) : stm_replicates_ndjson(d, &out, &err);
        if (rc) code = fail(&err, NULL);
    } else {
        code = results(o, &s, &out);
    }
    int written = put_out(&out);
    session_close(&s);
    return written ? written : code;
}
