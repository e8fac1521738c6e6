#include "engine/norm.h"

#include "engine/kernels/kernels.h"

static bool is_wide(const struct stm_trainer *t) { return t->prec == STM_PREC_F64; }

double stm_norm_squares(const struct stm_trainer *t, const void *x, size_t n)
{
    return is_wide(t) ? stm_k_f64()->sum_squares(x, n) : stm_k_f32()->sum_squares(x, n);
}

double stm_norm_squares_diff(const struct stm_trainer *t, const void *x, const void *y, size_t n)
{
    return is_wide(t) ? stm_k_f64()->sum_squares_diff(x, y, n)
                      : stm_k_f32()->sum_squares_diff(x, y, n);
}

static double element(const struct stm_trainer *t, const void *x, size_t i)
{
    return is_wide(t) ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

double stm_norm_along(const struct stm_trainer *t, const void *x, const void *y, size_t n)
{
    double lane[16] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % 16] += (element(t, x, i) - element(t, y, i)) * element(t, y, i);
    for (size_t w = 8; w; w /= 2)
        for (size_t l = 0; l < w; l++) lane[l] += lane[l + w];
    return lane[0];
}

void stm_norm_scale(const struct stm_trainer *t, void *x, size_t n, double factor)
{
    if (is_wide(t))
        stm_k_f64()->scale(x, factor, n);
    else
        stm_k_f32()->scale(x, (float)factor, n);
}

double stm_trainer_squares(const struct stm_trainer *t, const bool *set)
{
    double sum = 0;
    for (size_t k = 0; k < t->net.n_tensors; k++)
        if (!set || set[k]) sum += stm_norm_squares(t, t->net.param[k], t->net.spec[k].n);
    return sum;
}

void stm_trainer_scale(struct stm_trainer *t, const bool *set, double factor)
{
    for (size_t k = 0; k < t->net.n_tensors; k++)
        if (set[k]) stm_norm_scale(t, t->net.param[k], t->net.spec[k].n, factor);
}
