/* Plans of the example protocols: what is in them, what their hashes depend on. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "protocol_check.h"

START_TEST(examples)
{
    static const struct {
        const char *name;
        unsigned nodes, forks, claims, expects, warnings;
    } files[] = {
        {"rescaling", 5, 1, 2, 4, 0}, {"mediation", 8, 1, 3, 4, 1}, {"precision", 17, 2, 2, 3, 0}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct checked c = check_example(files[i].name);
        ck_assert_msg(c.plan != NULL, "%s: %s", files[i].name, first_message(&c));
        ck_assert_uint_eq(c.diags->n, files[i].warnings);
        ck_assert_uint_eq(c.plan->n_nodes, files[i].nodes);
        ck_assert_uint_eq(c.plan->n_forks, files[i].forks);
        ck_assert_uint_eq(c.plan->n_claims, files[i].claims);
        ck_assert_uint_eq(c.plan->n_expects, files[i].expects);
        checked_free(&c);
    }
}
END_TEST

START_TEST(rescaling)
{
    struct checked c = check_example("rescaling");
    const struct stm_plan *p = c.plan;
    ck_assert_str_eq(p->name, "rescaling");
    ck_assert_str_eq(p->title, "Rescaling-artifact control");
    ck_assert_int_eq(p->seed_hi, 11);
    ck_assert_uint_eq(p->every, 25);
    ck_assert_uint_eq(p->log_every, 200);
    ck_assert_str_eq(p->logs[0].text, "acc(train)");
    ck_assert_str_eq(p->logs[0].expr->text, "acc(train)");
    ck_assert_str_eq(p->events[1].text, "acc(test) >= 0.9");
    ck_assert_str_eq(p->nodes[3].path, "trunk/post/raised");
    ck_assert_ptr_null(p->nodes[0].stop);
    ck_assert_uint_eq(p->nodes[1].stop->n, 2);
    const struct stm_action *a = &p->nodes[3].actions[0];
    ck_assert_str_eq(a->target, "norm(weights)");
    ck_assert_int_eq(a->value->kind, STM_X_MUL);
    ck_assert_int_eq(a->value->kids[0]->ref, STM_R_CAPTURE);
    ck_assert_double_eq(a->value->kids[1]->num, 1.15);
    ck_assert_str_eq(p->claims[0].isolates, "hold norm(weights): N0 * 1.15  vs  N0");
    ck_assert_str_eq(p->claims[1].isolates, "hold norm(weights): N0  vs  none");
    ck_assert_str_eq(p->expects[2].text, "every arm: count(grok) == count(seeds)");
    ck_assert_str_eq(p->nodes[0].base[1].key, "task.p");
    ck_assert_double_eq(p->nodes[0].base[1].num, 59);
    checked_free(&c);
}
END_TEST

START_TEST(overrides)
{
    struct stm_override o[] = {{"p", "97"}, {"rho", "1.5"}};
    struct checked c = check_example_with("rescaling", STM_F_ALL, o, 2);
    ck_assert_ptr_nonnull(c.plan);
    ck_assert_double_eq(c.plan->nodes[0].base[1].num, 97);
    ck_assert_double_eq(c.plan->nodes[3].actions[0].value->kids[1]->num, 1.5);
    ck_assert(c.plan->params[0].overridden);
    ck_assert_str_eq(c.plan->params[0].text, "97");
    checked_free(&c);
    o[0].name = "roh";
    c = check_example_with("rescaling", STM_F_ALL, o, 1);
    ck_assert_ptr_null(c.plan);
    ck_assert_str_eq(c.diags->d[0].code, "E0201");
    ck_assert_str_eq(c.diags->d[0].help, "there is a param with a similar name: `rho`");
    checked_free(&c);
    o[0] = (struct stm_override){"p", "5 9"};
    c = check_example_with("rescaling", STM_F_ALL, o, 1);
    ck_assert_str_eq(c.diags->d[0].code, "E0301");
    checked_free(&c);
}
END_TEST

START_TEST(features)
{
    struct checked c = check_example_with("rescaling", 0, NULL, 0);
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    checked_free(&c);
    c = check_example_with("mediation", 0, NULL, 0);
    ck_assert_ptr_null(c.plan);
    for (unsigned i = 0; i < c.diags->n; i++) ck_assert_str_eq(c.diags->d[i].code, "E0900");
    ck_assert_uint_ge(c.diags->n, 4);
    checked_free(&c);
    c = check_example_with("precision", STM_F_ALL & ~STM_F_EVENT_FORK, NULL, 0);
    ck_assert_ptr_null(c.plan);
    for (unsigned i = 0; i < c.diags->n; i++) ck_assert_str_eq(c.diags->d[i].code, "E0900");
    checked_free(&c);
    c = check_example_with("mediation", STM_F_ALL & ~STM_F_CALIBRATE, NULL, 0);
    ck_assert_uint_eq(c.diags->errors, 1);
    checked_free(&c);
}
END_TEST

/* One edit of rescaling.stemma and what it does to the two hashes. */
START_TEST(hashes)
{
    static const struct {
        const char *from, *to;
        bool compute, claim; /* changes */
    } edits[] = {
        {"# Four arms", "# four arms", false, false},
        {"param rho = 1.15", "param rho = 1.2", true, false},
        {"or step 60k", "or step 50k", true, false},
        {"seeds 0..11", "seeds 0..10", true, false},
        {"at step 800", "at step 825", true, false},
        {"hold norm(weights) = N0 }", "hold norm(weights) = 2 * N0 }", true, false},
        {"expect value in [3.1, 3.6]", "expect value in [3.1, 3.7]", false, true},
        {"rows = arms(post)", "rows = [free, same]", false, false},
        {"arm free    {}", "off arm gone { set lr = 1 }; arm free {}", false, false},
        {"log every 200", "log every 100", false, false},
        {"require no grok", "", true, false},
        {"  x    = log", "", false, false},
    };
    struct checked base = check_example("rescaling");
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct stm_buf text = {0};
        replace_in_example("rescaling", edits[i].from, edits[i].to, &text);
        struct checked c = check_text(stm_buf_text(&text), text.n);
        ck_assert_msg(c.plan != NULL, "%s: %s", edits[i].to, first_message(&c));
        bool compute = strcmp(base.plan->compute_hash, c.plan->compute_hash) != 0;
        bool claim = strcmp(base.plan->claim_hash, c.plan->claim_hash) != 0;
        ck_assert_msg(compute == edits[i].compute, "compute hash: %s", edits[i].to);
        ck_assert_msg(claim == edits[i].claim, "claim hash: %s", edits[i].to);
        checked_free(&c);
        stm_buf_release(&text);
    }
    checked_free(&base);
}
END_TEST

/* Renaming touches what is claimed about, never what is trained. */
START_TEST(renaming)
{
    static const char *const names[] = {"lowered", "trunk", "post", "N0",    "rho",
                                        "grok",    "delay", "mlp",  "value", "free"};
    struct checked base = check_example("precision");
    checked_free(&base);
    base = check_example("rescaling");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stm_buf text = {0};
        rename_in_text(base.plan->canonical, names[i], "renamed", &text);
        struct checked c = check_text(stm_buf_text(&text), text.n);
        ck_assert_msg(c.plan != NULL, "%s: %s", names[i], first_message(&c));
        ck_assert_msg(!strcmp(base.plan->compute_hash, c.plan->compute_hash), "%s", names[i]);
        checked_free(&c);
        stm_buf_release(&text);
    }
    checked_free(&base);
}
END_TEST

START_TEST(canonical_round_trip)
{
    static const char *const files[] = {"rescaling", "mediation", "precision"};
    struct stm_override o = {"p", "97"};
    for (size_t i = 0; i < 3; i++) {
        struct checked a = check_example_with(files[i], STM_F_ALL, &o, 1);
        struct checked b = check_text(a.plan->canonical, strlen(a.plan->canonical));
        ck_assert_msg(b.plan != NULL, "%s: %s", files[i], first_message(&b));
        ck_assert_str_eq(a.plan->canonical, b.plan->canonical);
        ck_assert_str_eq(a.plan->compute_hash, b.plan->compute_hash);
        ck_assert_str_eq(a.plan->claim_hash, b.plan->claim_hash);
        ck_assert_uint_eq(a.plan->n_nodes, b.plan->n_nodes);
        for (unsigned j = 0; j < a.plan->n_nodes; j++)
            ck_assert_str_eq(a.plan->nodes[j].path, b.plan->nodes[j].path);
        for (unsigned j = 0; j < a.plan->n_expects; j++)
            ck_assert_str_eq(a.plan->expects[j].text, b.plan->expects[j].text);
        checked_free(&a);
        checked_free(&b);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocol plan");
    TCase *t = tcase_create("plan");
    tcase_add_test(t, examples);
    tcase_add_test(t, rescaling);
    tcase_add_test(t, overrides);
    tcase_add_test(t, features);
    tcase_add_test(t, hashes);
    tcase_add_test(t, renaming);
    tcase_add_test(t, canonical_round_trip);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
