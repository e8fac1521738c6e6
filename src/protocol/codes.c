/* Every code that a diagnostic can have, with the text behind `stemma explain CODE`. */
#include <string.h>

#include "protocol/ctx.h"

static const struct pr_code codes[] = {
    {"E0001", "a character that is not in the language",
     "Outside of strings and comments a protocol is written in ASCII letters, digits, `_` and the "
     "signs { } ( ) [ ] , . .. : @ = == != < <= > >= + - * / *= += \" # ;."},
    {"E0002", "a malformed number", "Numbers look like 12, 0.4, 1e-3, 60k, 1.5M, 60_000."},
    {"E0003", "a string that does not end",
     "Strings stand between double quotes and end on the line on which they begin."},
    {"E0101", "something else was expected here",
     "The line does not follow the grammar at the caret. The message says what would."},
    {"E0102", "a brace without its counterpart",
     "Every `{` needs a `}`. The message points at the brace that has none; the note says where "
     "its counterpart was missed."},
    {"E0103", "a statement that cannot stand here",
     "Each kind of block takes its own statements: arms stand in forks, interventions in arms and "
     "runs. The help line lists what can stand where the caret is."},
    {"E0104", "no language version",
     "The first line of every file is `lang 1`. It is what lets a later version read old files as "
     "they were meant."},
    {"E0105", "a newer language version",
     "The file was written for a later version of the language than this program knows."},
    {"E0106", "a limit of the program",
     "Files, nesting, imports, seeds and the number of arms after sweeps have limits, so that no "
     "input can exhaust the program. The message names the limit."},
    {"E0107", "no seeds", "A file with a `run` needs one line `seeds FIRST..LAST`."},
    {"E0108", "an import that cannot be used",
     "Imports are files, relative to the file that imports them. A file cannot import itself, "
     "directly or through others. A file that is imported twice is read once."},
    {"E0201", "a name that does not exist",
     "The name is no param, metric, event, arm, setting or argument at this place. Where there is "
     "a similar one, the help line names it."},
    {"E0202", "a name that is used before its definition, or given twice",
     "Names are defined before they are used, once, and no name hides another. Each key stands "
     "once in a block."},
    {"E0301", "a value outside of its domain",
     "The value has another type or unit than is needed, is out of range, or is not one of the "
     "words that are known here."},
    {"E0302", "a group that cannot be used here",
     "The model does not have this group of parameters, or it holds nothing but biases: they begin "
     "at zero, so that a norm of them cannot be held. They can be frozen."},
    {"E0303", "one number needed, and one per seed given, or the reverse",
     "A captured or sampled value has one number per seed. `median(...)`, `frac(...)` and others "
     "make one number of them; a claim needs one number, an aggregate needs values per seed, and a "
     "setting is the same for all seeds."},
    {"E0304", "a curve that was not sampled",
     "A metric has a value at every measured step. Say where: `@ stop`, `@ start`, `@ fork`, "
     "`@ EVENT`, `@ step N`, `@ nearest(T)`; or reduce it with `min` or `max`."},
    {"E0305", "settings that do not go together",
     "Each setting is in its range, and with all that is in force in this run or arm (inherited, "
     "its own, by sweeps, in windows) nothing can be trained: a batch of more pairs than are "
     "trained on, a modulus that is no prime, a group that these arguments leave out. It is what "
     "the engine would say when it comes to this arm."},
    {"E0401", "an event time that does not say for which seeds",
     "Seeds reach an event at different steps. `each grok` is each seed at its own step, "
     "`all grok` every seed where the last one has it, `any grok` where the first one has it."},
    {"E0402", "a value that is not known yet",
     "An arm can read what was captured at its fork or further out, and values calibrated on arms "
     "that are complete; never what is measured in itself, later, or beside it."},
    {"E0403", "two holds on one quantity",
     "Two holds or freezes act on overlapping quantities in overlapping windows. A total norm and "
     "a share may stand together. An inherited hold is ended with `release`."},
    {"E0404", "a contrast of arms that cannot be compared",
     "A contrast compares two single arms that leave the same fork, and both must run. Use "
     "`estimate` to compare others."},
    {"E0405", "something that may never stop",
     "Every run and arm needs a bound in steps, of its own or inherited: an event may not happen. "
     "A run without `stop` ends at its last fork."},
    {"E0406", "a contrast that isolates no single cause",
     "The settings that are in force in the two arms, after sweeps, inheritance and defaults, must "
     "differ in exactly one intervention. The notes list the differences."},
    {"E0407", "a time that cannot come",
     "A window is empty, begins before the fork, or does not fit its verb; a stop is not after the "
     "step at which its arm begins."},
    {"E0408", "two arms with one plan",
     "The arms have the same effective settings and stops, and would be one trajectory. An empty "
     "arm `{}` is the way to repeat its parent on purpose."},
    {"E0501", "a mean of times that may be censored",
     "A seed that reaches its `stop` without the event has no time. `median`, `quantile`, `count` "
     "and `frac` know what to do with it; `mean`, `std` and `iqr` need `only(T)` (the seeds that "
     "have one) or `restricted(T, N)` (times cut at N)."},
    {"E0502", "a bootstrap over fewer than 3 seeds",
     "An interval from one or two seeds says nothing. Use 3 seeds or more, or leave out `ci`."},
    {"E0503", "an incomplete or reversed range",
     "`calibrate` says how many seeds it `need`s; intervals and seeds run from low to high."},
    {"E0601", "a precision change that loses bits",
     "Going to a narrower format rounds the state. Say how: `round nearest`."},
    {"E0900", "not in this version",
     "The construct is in the language, and this version of the program cannot run it yet. It is "
     "refused rather than ignored."},
    {"W0001", "unequal horizons",
     "The two arms of a contrast stop by different rules. Stop rules are not interventions, but a "
     "statistic over different horizons may differ for that reason alone."},
};
enum { N_CODES = sizeof codes / sizeof *codes };

const struct pr_code *pr_code_find(const char *code)
{
    for (size_t i = 0; i < N_CODES; i++)
        if (strcmp(codes[i].code, code) == 0) return &codes[i];
    return NULL;
}

const char *stm_diag_explain(const char *code)
{
    const struct pr_code *c = pr_code_find(code);
    return c ? c->text : NULL;
}

const char *const *stm_diag_codes(void)
{
    static const char *const list[] = {
        "E0001", "E0002", "E0003", "E0101", "E0102", "E0103", "E0104", "E0105", "E0106",
        "E0107", "E0108", "E0201", "E0202", "E0301", "E0302", "E0303", "E0304", "E0305",
        "E0401", "E0402", "E0403", "E0404", "E0405", "E0406", "E0407", "E0408", "E0501",
        "E0502", "E0503", "E0601", "E0900", "W0001", NULL};
    _Static_assert(sizeof list / sizeof *list == N_CODES + 1, "the list and the table differ");
    return list;
}
