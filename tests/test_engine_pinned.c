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
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", P59, "", "75577a34da344b7afd6ad95bf1b6582d"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", P59, "precision = f64\n",
     "f6b7b12bcf239f7af4ac07ce2f244c85"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", P59, "hold norm(weights) = 45\n",
     "31ba148eeedc6cfc3b2e31475855a508"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", P59,
     "temperature = 1.3\noutput_scale = 0.8\nhold norm(W2) <= 9\nfreeze b1\n",
     "443751f79d7d8a7e8072aa5e16a8f829"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY, "", "8a938a55023ea2cd28869122f2777ea2"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "precision = f64\nhold norm(weights) = 4.25\n", "eb98251b6d251587f607a6e704f25eee"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "optimizer.order = decay_then_step\nhold norm(E) = 2\n", "75f0d142ba8cb9628fe28ce63e352852"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY, "loss = mse\n",
     "406e24fb006cba3c0f3aaec651c2e724"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "loss = stablemax\nprecision.loss = f64\n", "c869ca472abe35a5ac0f87972354b420"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "batch = 7\nstream.batch = 2\ndata.train = 0.8\n", "eb1923f2bcba743a0013fc29370f2838"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "logits = normalize\nlogits.normalize.c = 4\nlr.W2 = 0.1\n",
     "7574847980d34943484b167bfca6ab72"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "grad = ema\ngrad.ema.beta = 0.9\ngrad.ema.lambda = 2\nhold share(E,W1,W2) = (0.2, 0.5, "
     "0.3)\n",
     "7193eb9c55b6f6797a978cd5c657f671"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "grad = perp\noptimizer = sgd\noptimizer.momentum = 0.9\nlr = 0.1\nhold logit_scale = 3\n",
     "868f9ff1e069bfad06e87b5291f174fd"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "task = modular_div\ntask.p = 7\ntask.train = 0.5\nmodel.act = tanh\nmodel.bias = off\nhold "
     "norm(rows(E)) = 1\n",
     "1e35786700f79dfd3c74d21975570106"},
    {"openblas/2 0.3.21-serial SkylakeX gcc-12.2.0", TINY,
     "model = mlp\nmodel.layers = 3\nmodel.hidden = 5\nmodel.act = relu\nlogits = "
     "clip\nlogits.clip.c = 3\n",
     "e707bbbf557ca57a8311a453dad7329e"},
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
