#include "run/exec.h"

#include <string.h>

static const struct stm_executor *const executors[] = {&stm_exec_fork};

const struct stm_executor *stm_executor_find(const char *name)
{
    for (size_t i = 0; i < sizeof executors / sizeof *executors; i++)
        if (!name || strcmp(executors[i]->name, name) == 0) return executors[i];
    return NULL;
}
