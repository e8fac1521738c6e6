/* Metrics: numbers read from the present state, or from the last update. */
#ifndef STEMMA_ENGINE_METRIC_H
#define STEMMA_ENGINE_METRIC_H

#include "engine/tables.h"

extern const struct stm_metric_type stm_metric_acc, stm_metric_loss, stm_metric_margin,
    stm_metric_frac, stm_metric_logit_scale, stm_metric_norm, stm_metric_share, stm_metric_eff_lr,
    stm_metric_cos;

#endif
