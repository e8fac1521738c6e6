/* State ids of a few runs, written down once a profile: a change of the engine that is not a new
 * version of the profile moves none of them. Under another profile there is nothing to compare. */
#include "engine_fixture.h"

#define P59                                                                                        \
    "task = modular_add\ntask.p = 59\ntask.train = 0.4\nmodel = embed_mlp\nmodel.embed = 128\n"    \
    "model.hidden = 256\noptimizer = adamw\nlr = 0.001\nweight_decay = 1\n"
#define STEPS 300

static const struct {
    const char *profile, *base, *more, *id;
} pins[] = {
    {"portable/2", P59, "", "2dbabca1b6ebd869ba5fe6dd2271fec7"},
    {"portable/2", P59, "precision = f64\n", "63bf48490b663106e25ed5773e7e8086"},
    {"portable/2", P59, "hold norm(weights) = 45\n", "e05664d4beb56b815837a17abbec1afd"},
    {"portable/2", P59, "temperature = 1.3\noutput_scale = 0.8\nhold norm(W2) <= 9\nfreeze b1\n",
     "30f71456fa9ab6c6a626c910a414f109"},
    {"portable/2", TINY, "", "689f9e4264b4b94bd002fedcaf8fc30a"},
    {"portable/2", TINY, "precision = f64\nhold norm(weights) = 4.25\n",
     "0c27fd5299c7e208cc2845bd6aa75250"},
    {"portable/2", TINY, "optimizer.order = decay_then_step\nhold norm(E) = 2\n",
     "012bddaed227959c2d9d7f772237285c"},
    {"portable/2", TINY, "loss = mse\n", "d8a5ce4adab6ef4cc995c229d95e917c"},
    {"portable/2", TINY, "loss = stablemax\nprecision.loss = f64\n",
     "672d33e1190b44f851cbddbcda317843"},
    {"portable/2", TINY, "batch = 7\nstream.batch = 2\ndata.train = 0.8\n",
     "61f35591d86f5bdc452d1f4a254618ba"},
    {"portable/2", TINY, "logits = normalize\nlogits.normalize.c = 4\nlr.W2 = 0.1\n",
     "24c642dd53b37effa2f46b5aee9a7411"},
    {"portable/2", TINY,
     "grad = ema\ngrad.ema.beta = 0.9\ngrad.ema.lambda = 2\nhold share(E,W1,W2) = (0.2, 0.5, "
     "0.3)\n",
     "cdca90dfbb4461f280ec190eb054b951"},
    {"portable/2", TINY,
     "grad = perp\noptimizer = sgd\noptimizer.momentum = 0.9\nlr = 0.1\nhold logit_scale = 3\n",
     "0239108026d47ef42f2617dfcf417b31"},
    {"portable/2", TINY,
     "task = modular_div\ntask.p = 7\ntask.train = 0.5\nmodel.act = tanh\nmodel.bias = off\nhold "
     "norm(rows(E)) = 1\n",
     "09882526ffe0a4c36e13eebdda979b74"},
    {"portable/2", TINY,
     "model = mlp\nmodel.layers = 3\nmodel.hidden = 5\nmodel.act = relu\nlogits = "
     "clip\nlogits.clip.c = 3\n",
     "f01b309586918bffa879e75bc0d69816"},
};

START_TEST(the_bits_stay)
{
    open_engine();
    struct stm_trainer *t = trainer_of(pins[_i].base, pins[_i].more, 3);
    struct stm_state state;
    struct stm_id id;
    struct stm_err err = {0};
    char text[STM_ID_TEXT];
    for (int i = 0; i < STEPS; i++) stm_trainer_step(t, i % 7 == 0);
    stm_trainer_view(t, &state);
    ck_assert_msg(stm_state_ids(&state, &id, NULL, NULL, &err) == 0, "%s", err.msg);
    stm_id_text(&id, text);
    stm_trainer_free(t);
    if (strcmp(pins[_i].profile, stm_engine_profile()) != 0)
        printf("pinned: no pin for %s\n", stm_engine_profile());
    else
        ck_assert_msg(strcmp(text, pins[_i].id) == 0, "%s%s: %s", pins[_i].base, pins[_i].more,
                      text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine pinned");
    TCase *tc = tcase_create("pinned");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, the_bits_stay, 0, (int)(sizeof pins / sizeof *pins));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
