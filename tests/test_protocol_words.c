/* Words of a wide vocabulary: parts of knobs, values with arguments, shares, rows. */
#include <check.h>
#include <string.h>

#include "protocol_check.h"

#define HEAD                                                                                       \
    "lang 1\nimport \"common/modadd.stemma\"\nparam half = 0.5\nseeds 0..3\n"                      \
    "run r = mlp on add with base {\n fork f at step 100 {\n  stop at step 200\n"                  \
    "  capture n = norm(weights)\n"
#define TAIL " }\n}\n"

static struct checked arms(const char *body)
{
    struct stm_buf text = {0};
    stm_buf_printf(&text, HEAD "%s\n" TAIL, body);
    struct checked c = check_text(stm_buf_text(&text), text.n);
    stm_buf_release(&text);
    return c;
}

static const struct stm_assign *setting(const struct stm_plan *p, const char *key)
{
    for (unsigned i = 0; i < p->nodes[0].n_base; i++)
        if (strcmp(p->nodes[0].base[i].key, key) == 0) return &p->nodes[0].base[i];
    return NULL;
}

START_TEST(train_block)
{
    static const char text[] =
        "lang 1\nparam b = 0.9\nseeds 0..3\ntask add = modular_add(p = 7, train = 0.4)\n"
        "model mlp = embed_mlp()\ntrain t {\n  optimizer = adamw(lr = 1e-3)\n  batch = 64\n"
        "  precision.loss = f64\n  lr.E = 5e-4\n  grad = ema(b, lambda = 2)\n  logits = clip(10)\n"
        "  stream.batch = 3\n}\nrun r = mlp on add with t { stop at step 10 }\n";
    static const struct {
        const char *key, *sym;
        double num;
    } want[] = {{"batch", NULL, 64},    {"precision.loss", "f64", 0}, {"lr.E", NULL, 5e-4},
                {"grad", "ema", 0},     {"grad.ema.beta", NULL, 0.9}, {"grad.ema.lambda", NULL, 2},
                {"logits", "clip", 0},  {"logits.clip.c", NULL, 10},  {"stream.batch", NULL, 3},
                {"precision", "f32", 0}};
    struct checked c = check_text(text, sizeof text - 1);
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct stm_assign *a = setting(c.plan, want[i].key);
        ck_assert_msg(a != NULL, "no %s", want[i].key);
        if (want[i].sym)
            ck_assert_str_eq(a->sym, want[i].sym);
        else
            ck_assert_double_eq(a->num, want[i].num);
    }
    ck_assert_ptr_null(setting(c.plan, "lr.W1"));
    ck_assert_ptr_null(setting(c.plan, "data.train"));
    ck_assert_ptr_null(setting(c.plan, "optimizer.momentum"));
    checked_free(&c);
}
END_TEST

START_TEST(calls)
{
    struct checked c = arms("  arm x { set grad = ema(half, lambda = 2) }\n"
                            "  arm y sweep g in [E, W1] { set lr.g = 1e-4 }\n"
                            "  arm z { set data.train = fraction(0.5) }\n"
                            "  arm w { set grad = perp; set batch = 64; set stream.batch = 1 }");
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    const struct stm_action *a = &c.plan->nodes[1].actions[0];
    ck_assert_str_eq(a->target, "grad");
    ck_assert_int_eq(a->value->kind, STM_X_CALL);
    ck_assert_int_eq(a->value->ref, STM_R_NONE);
    ck_assert_str_eq(a->value->name, "ema");
    ck_assert_uint_eq(a->value->n, 2);
    ck_assert_str_eq(a->value->keys[0], "beta");
    ck_assert_double_eq(a->value->kids[0]->num, 0.5);
    ck_assert_str_eq(a->value->keys[1], "lambda");
    ck_assert_double_eq(a->value->kids[1]->num, 2);
    ck_assert_str_eq(c.plan->nodes[2].actions[0].target, "lr.E");
    ck_assert_str_eq(c.plan->nodes[3].actions[0].target, "lr.W1");
    ck_assert_double_eq(c.plan->nodes[4].actions[0].value->num, 0.5);
    ck_assert_int_eq(c.plan->nodes[5].actions[0].value->kind, STM_X_NAME);
    checked_free(&c);
}
END_TEST

START_TEST(quantities)
{
    struct checked c =
        arms("  arm x sweep a in [0.2, 0.3] { hold share(E, W1, W2) = (a, 0.5, half - a)\n"
             "    hold norm(weights) = n }\n"
             "  arm y { hold norm(rows(E)) <= 1.5; hold norm(W1) = n }\n"
             "  arm z { hold logit_scale = 3 }");
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    const struct stm_action *a = &c.plan->nodes[1].actions[0];
    ck_assert_str_eq(a->target, "share(E,W1,W2)");
    ck_assert_int_eq(a->value->kind, STM_X_TUPLE);
    ck_assert_double_eq_tol(a->value->kids[2]->num, 0.3, 1e-15);
    ck_assert_str_eq(c.plan->nodes[3].actions[0].target, "norm(rows(E))");
    ck_assert_int_eq(c.plan->nodes[3].actions[0].op, STM_OP_LE);
    ck_assert_str_eq(c.plan->nodes[4].actions[0].target, "logit_scale");
    checked_free(&c);
}
END_TEST

START_TEST(errors)
{
    static const struct {
        const char *arm, *code, *message;
    } cases[] = {
        {"set grad = emma(1)", "E0301", "`grad` cannot be emma(1)"},
        {"set grad = ema(0.9)", "E0301", "`ema` needs `lambda = ...`"},
        {"set grad = ema(lambda = 2, beta = 1)", "E0301", "`beta` cannot be 1"},
        {"set grad = ema(0.9, beta = 0.8, lambda = 1)", "E0202", "`beta` is given twice"},
        {"set grad = ema(0.9, 2)", "E0301", "arguments of `ema` are named"},
        {"set grad = ema(0.9, lambdo = 2)", "E0201", "`ema` has no argument `lambdo`"},
        {"set grad = perp(1)", "E0301", "`perp` takes no arguments"},
        {"set grad = ema", "E0301", "`ema` needs `lambda = ...`"},
        {"set grad.ema.lambda = 2", "E0201", "there is no setting `grad.ema.lambda`"},
        {"set logits = 3", "E0301", "`logits` cannot be 3"},
        {"set logits = clip(n)", "E0303", NULL},
        {"set lr = clip(3)", "E0201", NULL},
        {"set lr.X = 1", "E0201", "there is no setting `lr.X`"},
        {"set lr.E = 1; set lr.weights = 2", "E0202", "`lr.weights` is set twice"},
        {"set optimizer.momentum = 0.9", "E0201",
         "the optimizer `adamw` has no argument `momentum`"},
        {"set batch = 2.5", "E0301", "`batch` cannot be 2.5"},
        {"set data.train = fraction(1.5)", "E0301", "`fraction` of 1.5 is not a number"},
        {"set data.train = fraction(n)", "E0303", NULL},
        {"set data.train = 0", "E0301", "`data.train` cannot be 0"},
        {"hold share(E) = 1", "E0301", "`share` takes two or more groups"},
        {"hold share(E, W1) = 1", "E0301",
         "`share(E,W1)` takes as many values as it has groups: "
         "(x, y, z)"},
        {"hold share(E, W1) = (0.5, 0.6)", "E0301", "the shares add up to 1.1, not to 1"},
        {"hold share(E, weights) = (0.5, 0.5)", "E0301",
         "`E` and `weights` have tensors in common"},
        {"hold share(E, b1) = (0.5, 0.5)", "E0302", NULL},
        {"hold norm(rows(E, W1)) = 1", "E0301", "`rows` takes one group"},
        {"hold norm(rows(E)) = 1; hold norm(E) = 2", "E0403", NULL},
        {"hold share(rows(E)) = 1", "E0301", "`share(rows(E))` cannot be held"},
        {"hold logit_scale <= 2", "E0101", NULL},
        {"once logit_scale = 2", "E0302", NULL},
        {"once norm(rows(E)) = 2", "E0301", "`once` cannot edit `norm(rows(E))`"},
        {"once share(E, W1) = (0.5, 0.5)", "E0301", "`once` cannot edit `share(E, W1)`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stm_buf arm = {0};
        stm_buf_printf(&arm, "  arm x { %s }", cases[i].arm);
        struct checked c = arms(stm_buf_text(&arm));
        ck_assert_msg(c.diags->n == 1, "%s: %u", cases[i].arm, c.diags->n);
        ck_assert_msg(!strcmp(c.diags->d[0].code, cases[i].code), "%s: %s %s", cases[i].arm,
                      c.diags->d[0].code, c.diags->d[0].msg);
        if (cases[i].message) ck_assert_str_eq(c.diags->d[0].msg, cases[i].message);
        checked_free(&c);
        stm_buf_release(&arm);
    }
}
END_TEST

START_TEST(isolated)
{
    static const struct {
        const char *a, *b, *isolates;
    } cases[] = {
        {"set grad = ema(0.5, lambda = 2)", "set lr = 1e-3",
         "set grad: ema(beta = 0.5, lambda = 2)  vs  none"},
        {"set data.train = fraction(0.5)", "set lr = 1e-3", "set data.train: 0.5  vs  none"},
        {"set precision.loss = f64", "set precision = f32", "set precision.loss: f64  vs  f32"},
        {"set lr.E = 1e-4", "set lr.E = 1e-3", "set lr.E: 0.0001  vs  0.001"},
        {"hold norm(rows(E)) <= n", "hold norm(rows(E)) <= 2 * n",
         "hold norm(rows(E)): <= n  vs  <= 2 * n"},
        {"once moments = 0", "once moments = 0; set batch = 8", "set batch: full  vs  8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stm_buf text = {0};
        stm_buf_printf(&text, HEAD "arm x { %s }; arm y { %s }" TAIL, cases[i].a, cases[i].b);
        stm_buf_printf(&text, "contrast c = x / y on median(norm(weights) @ stop)\n");
        struct checked c = check_text(stm_buf_text(&text), text.n);
        ck_assert_msg(c.plan != NULL, "%s: %s", cases[i].a, first_message(&c));
        ck_assert_str_eq(c.plan->claims[0].isolates, cases[i].isolates);
        checked_free(&c);
        stm_buf_release(&text);
    }
}
END_TEST

START_TEST(fit_fields)
{
    static const char fields[][12] = {"r2", "dr2", "aic", "n", "slope", "intercept"};
    for (size_t i = 0; i <= sizeof fields / sizeof *fields; i++) {
        bool known = i < sizeof fields / sizeof *fields;
        struct stm_buf text = {0};
        stm_buf_printf(&text,
                       HEAD "arm x sweep s in [1, 2, 3] { set temperature = s + 1 }" TAIL
                            "let T = median(norm(weights) @ stop)\n"
                            "let L = median(logit_scale @ stop)\n"
                            "fit line = ols(T, [L]) over [x]\nexpect line.%s > 0.5\n",
                       known ? fields[i] : "r3");
        struct checked c = check_text(stm_buf_text(&text), text.n);
        ck_assert_msg((c.plan != NULL) == known, "%s: %s", known ? fields[i] : "r3",
                      first_message(&c));
        checked_free(&c);
        stm_buf_release(&text);
    }
}
END_TEST

/* A default that is written out, the order of keys, and words that the file does not use. */
START_TEST(hash_of_what_is_said)
{
    static const char *const trains[] = {
        "optimizer = adamw(lr = 1e-3); loss = mse; batch = 8",
        "batch = 8; optimizer = adamw(eps = 1e-8, lr = 0.001); temperature = 1; loss = mse",
        "batch = 9; optimizer = adamw(lr = 1e-3); loss = mse"};
    char first[33] = "";
    for (int i = 0; i < 4; i++) {
        struct stm_buf text = {0};
        struct stm_vocab voc = test_vocab;
        struct stm_check_options o = {.vocab = &voc, .features = STM_F_ALL};
        struct checked c;
        if (i == 3) voc.n_knobs = 6; /* an older program */
        stm_buf_printf(&text, "lang 1\ntask t = modular_add(p = 7, train = 0.4)\n"
                              "model m = embed_mlp()\nseeds 0..2\n");
        stm_buf_printf(&text, "train b { %s }\nrun r = m on t with b { stop at step 9 }",
                       trains[i == 3 ? 0 : i]);
        stm_protocol_check(&c.plan, &c.diags, "t", stm_buf_text(&text), text.n, &o, NULL);
        ck_assert_msg(c.plan != NULL, "%d: %s", i, first_message(&c));
        if (i == 0) memcpy(first, c.plan->compute_hash, sizeof first);
        ck_assert_int_eq(!strcmp(first, c.plan->compute_hash), i != 2);
        checked_free(&c);
        stm_buf_release(&text);
    }
}
END_TEST

static void explained(const char *word)
{
    struct stm_buf out = {0};
    ck_assert_msg(stm_word_explain(&test_vocab, word, &out), "nothing about `%s`", word);
    for (const char *line = stm_buf_text(&out); *line;) {
        size_t n = strcspn(line, "\n");
        ck_assert_msg(n <= 80, "%zu columns: %.*s", n, (int)n, line);
        line += n + (line[n] == '\n');
    }
    stm_buf_release(&out);
}

/* Every word of the vocabulary, and what a list of words names. */
START_TEST(words_are_explained)
{
    static const char *const lists[] = {"functions", "verbs", "statements"};
    const struct stm_vocab *v = &test_vocab;
    for (size_t i = 0; i < v->n_tasks; i++) explained(v->tasks[i]->name);
    for (size_t i = 0; i < v->n_models; i++) {
        explained(v->models[i]->sig.name);
        const char *group;
        for (size_t g = 0; (group = stm_group_at(v->models[i], g)); g++) explained(group);
    }
    for (size_t i = 0; i < v->optimizers[0]->n_params; i++)
        explained(v->optimizers[0]->params[i].name);
    for (size_t i = 0; i < v->n_knobs; i++) {
        explained(v->knobs[i].name);
        for (size_t w = 0; v->knobs[i].syms && v->knobs[i].syms[w]; w++)
            explained(v->knobs[i].syms[w]);
    }
    for (size_t i = 0; i < v->n_metrics; i++) explained(v->metrics[i]->name);
    for (size_t i = 0; i < v->n_holds; i++) explained(v->holds[i]->name);
    for (const char *const *code = stm_diag_codes(); *code; code++) explained(*code);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct stm_buf out = {0};
        char word[40];
        explained(lists[i]);
        ck_assert(stm_word_explain(v, lists[i], &out));
        unsigned n = 0;
        for (const char *s = strchr(stm_buf_text(&out), ':') + 1; *s; n++) {
            s += strspn(s, " ,\n");
            size_t len = strcspn(s, " ,\n");
            snprintf(word, sizeof word, "%.*s", (int)len, s);
            if (len) explained(word);
            s += len;
        }
        ck_assert_uint_ge(n, 5);
        stm_buf_release(&out);
    }
    struct stm_buf out = {0};
    ck_assert(!stm_word_explain(v, "modular_ad", &out));
    ck_assert_uint_eq(out.n, 0);
    stm_buf_release(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocol words");
    TCase *t = tcase_create("words");
    tcase_add_test(t, train_block);
    tcase_add_test(t, calls);
    tcase_add_test(t, quantities);
    tcase_add_test(t, errors);
    tcase_add_test(t, isolated);
    tcase_add_test(t, fit_fields);
    tcase_add_test(t, hash_of_what_is_said);
    tcase_add_test(t, words_are_explained);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
