/* The canonical text of settings, and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "engine/call.h"
#include "engine/settings.h"

enum { LINE = 96, LINES_MAX = STM_PARTS * (STM_ARGS_MAX + 1) + STM_KNOBS };

struct lines {
    char line[LINES_MAX][LINE];
    size_t n;
};

static void add_value(struct lines *l, const char *prefix, const char *name,
                      const struct stm_param *p, double value)
{
    char number[STM_NUMBER_TEXT];
    if (isnan(value)) return;
    if (p->kind == STM_K_SYM)
        snprintf(number, sizeof number, "%s", p->syms[(size_t)value]);
    else if (p->syms && value < 0)
        snprintf(number, sizeof number, "%s", p->syms[(size_t)(-1 - value)]);
    else
        stm_number_text(number, value);
    snprintf(l->line[l->n++], LINE, "%s%s = %s", prefix, name, number);
}

/* An argument of the optimizer that a knob stands for has the knob's name. */
static void add_part(struct lines *l, const struct stm_settings *s, enum stm_part part,
                     const char *part_name)
{
    const struct stm_sig *sig = stm_settings_part(s, part);
    char prefix[24];
    if (!sig) return;
    snprintf(prefix, sizeof prefix, "%s.", part_name);
    snprintf(l->line[l->n++], LINE, "%s = %s", part_name, sig->name);
    for (size_t i = 0; i < sig->n_params; i++) {
        const struct stm_param *p = &sig->params[i];
        const char *knob = NULL;
        bool quiet = part == STM_PART_MODEL && stm_models[s->part[part]]->quiet_args >> i & 1;
        if (quiet && s->arg[part][i] == stm_param_default(p)) continue;
        for (int k = 0; part == STM_PART_OPTIMIZER && k < STM_KNOBS; k++)
            if (stm_knob_alias[k] && strcmp(stm_knob_alias[k], p->name) == 0)
                knob = stm_engine_vocab()->knobs[k].name;
        add_value(l, knob ? "" : prefix, knob ? knob : p->name, p, s->arg[part][i]);
    }
}

/* Whether knob `k` has a line: not at a default that came later, and not for a word out of force.
 */
static bool has_line(const struct stm_settings *s, int k)
{
    int word, owner = stm_knob_owner(k, &word);
    if (stm_knob_alias[k]) return false;
    if (owner >= 0) return s->knob[owner] == word;
    return !stm_knob_quiet[k] || s->knob[k] != stm_param_default(&stm_engine_vocab()->knobs[k]);
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

static void put_holds(struct stm_buf *b, const struct stm_settings *s)
{
    for (size_t i = 0; i < s->n_holds; i++) {
        const struct stm_hold *h = &s->hold[i];
        stm_buf_printf(b, "hold %s %s ", h->quantity, h->op == STM_HOLD_LE ? "<=" : "=");
        for (size_t k = 0; k < h->n; k++) {
            char number[STM_NUMBER_TEXT];
            stm_number_text(number, h->v[k]);
            stm_buf_printf(b, "%s%s", k ? ", " : h->n > 1 ? "(" : "", number);
        }
        stm_buf_printf(b, h->n > 1 ? ")\n" : "\n");
    }
    for (size_t i = 0; i < s->n_freezes; i++) stm_buf_printf(b, "freeze %s\n", s->freeze[i]);
}

const char *stm_settings_text(struct stm_settings *s)
{
    const struct stm_vocab *v = stm_engine_vocab();
    struct lines l = {.n = 0};
    add_part(&l, s, STM_PART_MODEL, "model");
    add_part(&l, s, STM_PART_OPTIMIZER, "optimizer");
    add_part(&l, s, STM_PART_TASK, "task");
    for (int i = 0; i < STM_KNOBS; i++)
        if (has_line(s, i)) add_value(&l, "", v->knobs[i].name, &v->knobs[i], s->knob[i]);
    qsort(l.line, l.n, LINE, by_text);

    stm_buf_clear(&s->text);
    for (size_t i = 0; i < l.n; i++) stm_buf_printf(&s->text, "%s\n", l.line[i]);
    put_holds(&s->text, s);
    const char *text = stm_buf_text(&s->text);
    return s->text.failed ? NULL : text;
}

/* ---- reading ---- */

static bool is_part(const char *key)
{
    return !strcmp(key, "model") || !strcmp(key, "optimizer") || !strcmp(key, "task");
}

static int read_value(struct stm_settings *s, const char *key, const char *value,
                      struct stm_err *err)
{
    char *end;
    double number = strtod(value, &end);
    if (end != value && *end == '\0') return stm_settings_num(s, key, number, err);
    return stm_settings_sym(s, key, value, err);
}

static int read_hold(struct stm_settings *s, char *text, struct stm_err *err)
{
    char *op = strstr(text, " = ");
    enum stm_hold_op kind = STM_HOLD_EQ;
    if (!op) {
        op = strstr(text, " <= ");
        kind = STM_HOLD_LE;
    }
    if (!op) return stm_fail(err, STM_E_INVALID, "settings: `hold %s` has no = or <=", text);
    *op = '\0';
    double v[STM_HOLD_VALUES_MAX];
    size_t n = 0;
    const char *number = op + (kind == STM_HOLD_LE ? 4 : 3), *at = number + (*number == '(');
    for (bool more = true; more && n < STM_HOLD_VALUES_MAX; n++) {
        char *end;
        v[n] = strtod(at, &end);
        more = end != at && *end == ',';
        at = end == at ? "?" : end + more;
    }
    if (*number == '(') at = *at == ')' ? at + 1 : "?";
    if (*at) return stm_fail(err, STM_E_INVALID, "settings: `%s` is not a number", number);
    return stm_settings_hold(s, text, kind, v, n, err);
}

/* The first pass takes the parts, because they bring the arguments that the second one sets. */
static int read_line(struct stm_settings *s, char *line, bool first, struct stm_err *err)
{
    if (!*line) return 0;
    if (!strncmp(line, "hold ", 5)) return first ? 0 : read_hold(s, line + 5, err);
    if (!strncmp(line, "freeze ", 7)) return first ? 0 : stm_settings_freeze(s, line + 7, err);
    char *eq = strstr(line, " = ");
    if (!eq) return stm_fail(err, STM_E_INVALID, "settings: `%.60s` is not key = value", line);
    *eq = '\0';
    int rc = is_part(line) == first ? read_value(s, line, eq + 3, err) : 0;
    *eq = ' ';
    return rc;
}

int stm_settings_parse(struct stm_settings **out, const char *text, struct stm_err *err)
{
    struct stm_settings *s = NULL;
    char *copy = stm_strdup(text);
    int rc =
        copy ? stm_settings_new(&s, err) : stm_fail(err, STM_E_NOMEM, "no memory for settings");
    for (int pass = 0; !rc && pass < 2; pass++) {
        for (char *line = copy; line && !rc;) {
            char *next = strchr(line, '\n');
            if (next) *next = '\0';
            rc = read_line(s, line, pass == 0, err);
            if (next) *next++ = '\n';
            line = next;
        }
    }
    stm_free(copy);
    if (rc)
        stm_settings_free(s);
    else
        *out = s;
    return rc;
}
