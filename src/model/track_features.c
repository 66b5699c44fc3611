// SPDX-License-Identifier: MIT
#include "model/track_features.h"

static const tb_feature_info infos[] = {
#define FEATURE_INFO(code, name, unit, text) {name, unit, text},
    TB_FEATURE_LIST(FEATURE_INFO)
#undef FEATURE_INFO
};

const tb_feature_info *tb_feature_get_info(tb_feature feature)
{
    return &infos[feature];
}
