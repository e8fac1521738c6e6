/* Groups of a model that has many: names with dots in every place where a group may stand. */
#include <check.h>
#include <string.h>

#include "protocol_check.h"

static const struct stm_tensor_sig tensors[] = {
    {"embed", false},         {"blocks.0.attn.w", false}, {"blocks.0.mlp.w", false},
    {"blocks.0.mlp.b", true}, {"blocks.1.attn.w", false}, {"blocks.1.mlp.w", false},
    {"blocks.1.mlp.b", true}, {"blocks.10.2d", false},    {"norm", false},
    {"head", false},          {"head.0", false}};
static const struct stm_group groups[] = {
    {"attn", "*.attn.*"}, {"blocks.0", "blocks.0.*"}, {"both", "embed blocks.1.mlp.w"}};
static const struct stm_model_sig net = {
    {"net", NULL, 0, "of many tensors", STM_IN_PAIR}, tensors, 11, groups, 3};
static const struct stm_model_sig *const models[] = {&net};

#define HEAD                                                                                       \
    "lang 1\ntask t = modular_add(p = 7, train = 0.4)\nmodel m = net()\nseeds 0..3\n"              \
    "every 10 steps { event e = norm(blocks.0.attn.w) > 1 }\n"
#define TRAIN "train b {\n  optimizer = adamw(lr = 1e-3)\n  lr.blocks.0 = 1e-4\n}\n"
#define RUN                                                                                        \
    "run r = m on t with b {\n  fork f at step 10 {\n    capture n = norm(attn)\n"                 \
    "    stop at step 20\n    arm free {}\n"
#define TAIL "  }\n}\n"

static struct checked check(const char *text)
{
    struct stm_vocab voc = test_vocab;
    struct stm_check_options o = {.vocab = &voc, .features = STM_F_ALL};
    struct checked c = {0};
    voc.models = models;
    voc.n_models = 1;
    ck_assert_int_eq(stm_protocol_check(&c.plan, &c.diags, "t", text, strlen(text), &o, NULL), 0);
    return c;
}

static const struct stm_action *action(const struct checked *c, unsigned i)
{
    const struct stm_node *n = &c->plan->nodes[c->plan->n_nodes - 1];
    ck_assert_uint_lt(i, n->n_actions);
    return &n->actions[i];
}

START_TEST(actions)
{
    static const char *const want[] = {"lr.blocks.1.attn.w",
                                       "norm(blocks.10.2d)",
                                       "norm(rows(blocks.1.attn.w))",
                                       "share(embed,blocks.0.attn.w,head.0)",
                                       "blocks.0",
                                       "norm(both)",
                                       "blocks.0.mlp.b"};
    struct checked c =
        check(HEAD TRAIN RUN "    arm x {\n      set lr.blocks.1.attn.w = 1\n"
                             "      hold norm(blocks.10.2d) = n\n"
                             "      hold norm(rows(blocks.1.attn.w)) <= 1\n"
                             "      hold share(embed, blocks.0.attn.w, head.0) = (0.2, 0.3, 0.5)\n"
                             "      once blocks.0 *= 0.5\n      once norm(both) = 2\n"
                             "      freeze blocks.0.mlp.b\n    }\n" TAIL);
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_str_eq(action(&c, i)->target, want[i]);
    ck_assert_str_eq(c.plan->events[0].text, "norm(blocks.0.attn.w) > 1");
    const struct stm_node *run = &c.plan->nodes[0];
    unsigned rates = 0;
    for (unsigned i = 0; i < run->n_base; i++)
        rates += !strcmp(run->base[i].key, "lr.blocks.0") && run->base[i].num == 1e-4;
    ck_assert_uint_eq(rates, 1);
    checked_free(&c);
}
END_TEST

/* As values of a sweep they name instances, and settings of their own. */
START_TEST(sweeps)
{
    struct checked c =
        check(HEAD TRAIN RUN "    arm x sweep g in [blocks.10.2d, head] { set lr.g = 1 }\n"
                             "    arm y sweep g in [head.0, blocks.1.mlp.w] { once g += 1 }\n" TAIL
                             "estimate z = median(x[g = blocks.10.2d].norm(blocks.10.2d) @ stop)\n"
                             "let u = norm(head.0)\n"
                             "estimate v = median(y[g = head.0].u @ stop)\n");
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    ck_assert_str_eq(action(&c, 0)->target, "blocks.1.mlp.w");
    ck_assert_str_eq(c.plan->nodes[2].path, "r/f/x[g=blocks.10.2d]");
    ck_assert_str_eq(c.plan->nodes[2].actions[0].target, "lr.blocks.10.2d");
    ck_assert_str_eq(c.plan->nodes[3].actions[0].target, "lr.head");
    struct checked again = check(c.plan->canonical);
    ck_assert_msg(again.plan != NULL, "%s\n%s", first_message(&again), c.plan->canonical);
    ck_assert_str_eq(again.plan->compute_hash, c.plan->compute_hash);
    ck_assert_str_eq(again.plan->claim_hash, c.plan->claim_hash);
    checked_free(&c);
    checked_free(&again);
}
END_TEST

/* What a file names as `blocks` hides no group, and a group is no part of it. */
START_TEST(names_of_the_file)
{
    struct checked c = check(HEAD TRAIN RUN "    arm blocks { freeze blocks.0.attn.w }\n" TAIL
                                            "let x = blocks.norm(blocks.0) @ stop\n"
                                            "estimate y = median(x)\n");
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    ck_assert_str_eq(action(&c, 0)->target, "blocks.0.attn.w");
    checked_free(&c);
}
END_TEST

static const struct {
    const char *arm, *says;
} wrong[] = {
    {"freeze blocks.2", "the model `net` has no group `blocks.2`"},
    {"freeze blocks.1", "the model `net` has no group `blocks.1`"},
    {"set lr.blocks.1 = 1", "there is no setting `lr.blocks.1`"},
    {"set lr.GROUP = 1", "there is no setting `lr.GROUP`"},
    {"hold norm(blocks.0.mlp.b) = 1", "`blocks.0.mlp.b` holds nothing but biases: its norm cannot "
                                      "be held"},
    {"hold norm(blocks.0 + 1) = 1", "`blocks.0 + 1` is not a group of parameters"},
    {"hold norm(blocks.norm(e)) = 1", "`blocks.norm(e)` is not a group of parameters"},
    {"hold share(attn, blocks.0) = (0.5, 0.5)", "`attn` and `blocks.0` have tensors in common"},
    {"hold norm(attn) = 1; freeze blocks.0", "`blocks.0` is held or frozen already"},
    {"freeze both; freeze weights", "`weights` is held or frozen already"},
    {"set lr.attn = 1; set lr.blocks.0 = 1", "`lr.blocks.0` is set twice"},
    {"freeze blocks .0", "`.0` is not a number"},
    {"freeze blocks. 0", "expected a name after `.`, found `0`"},
    {"freeze blocks..0", "expected the end of the line, found `..`"},
};

START_TEST(what_is_wrong_is_named)
{
    struct stm_buf text = {0};
    stm_buf_printf(&text, "%s    arm x { %s }\n%s", HEAD TRAIN RUN, wrong[_i].arm, TAIL);
    struct checked c = check(stm_buf_text(&text));
    ck_assert_ptr_null(c.plan);
    ck_assert_str_eq(first_message(&c), wrong[_i].says);
    checked_free(&c);
    stm_buf_release(&text);
}
END_TEST

/* Groups without a tensor in common go together. */
START_TEST(what_goes_together)
{
    struct checked c =
        check(HEAD TRAIN RUN "    arm x { hold norm(attn) = 1; freeze both; freeze biases\n"
                             "      set lr.attn = 1; set lr.both = 2; set lr.biases = 3 }\n" TAIL);
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    checked_free(&c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocol groups");
    TCase *t = tcase_create("groups");
    tcase_add_test(t, actions);
    tcase_add_test(t, sweeps);
    tcase_add_test(t, names_of_the_file);
    tcase_add_loop_test(t, what_is_wrong_is_named, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(t, what_goes_together);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
