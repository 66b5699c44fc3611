// SPDX-License-Identifier: MIT
#include "train/recipe.h"

#include "base/config.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define AT(field) offsetof(tb_recipe, field)

static const tb_setting settings[] = {
    {"groups", TB_SETTING_CHOICE, AT(groups), "contrast", 0, 0, "contrast|basic|additional", 0, NULL, "what a group of segments is for"},
    {"segments_per_group", TB_SETTING_INT, AT(segments_per_group), "64", 6, TB_GROUP_MAX_SEGMENTS, NULL, 0, NULL, "segments that are compared with each other"},
    {"ids", TB_SETTING_INT, AT(ids), "16", 2, TB_GROUP_MAX_SEGMENTS, NULL, 0, NULL, "pieces a stem in a group"},
    {"absent", TB_SETTING_DOUBLE, AT(absent), "0.12", 0, 0.9, NULL, 0, NULL, "how often a stem is left out"},
    {"twins", TB_SETTING_DOUBLE, AT(twins), "0", 0, 1, NULL, 0, NULL, "segments in pairs that share all stems but one"},
    {"solo", TB_SETTING_DOUBLE, AT(solo), "1", 0, 1, NULL, 0, NULL, "segments of which one stem is heard alone as well"},
    {"temperature", TB_SETTING_DOUBLE, AT(temperature), "0.05", 0.005, 10, NULL, 0, NULL, "of the contrastive loss"},
    {"shared_weight", TB_SETTING_DOUBLE, AT(shared_weight), "1", 1, 1000, NULL, 0, NULL, "of negatives that share another stem"},
    {"margin", TB_SETTING_DOUBLE, AT(margin), "0.2", 0, 2, NULL, 0, NULL, "of the triplet loss"},
    {"contrastive", TB_SETTING_DOUBLE, AT(contrastive), "1", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"triplet", TB_SETTING_DOUBLE, AT(triplet), "0", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"auxiliary", TB_SETTING_DOUBLE, AT(auxiliary), "0", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"presence", TB_SETTING_DOUBLE, AT(presence), "0.2", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"leakage", TB_SETTING_DOUBLE, AT(leakage), "0", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"leakage_mean", TB_SETTING_DOUBLE, AT(leakage_mean), "1", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"independence", TB_SETTING_DOUBLE, AT(independence), "0", 0, 1000, NULL, 0, NULL, "weight of the loss"},
    {"soft_presence", TB_SETTING_BOOL, AT(soft_presence), "no", 0, 0, NULL, 0, NULL, "presence as a share instead of yes or no"},
    {"pretrain", TB_SETTING_DOUBLE, AT(pretrain), "0", 0, 0.9, NULL, 0, NULL, "share of the segments for pre-training"},
    {"target_segments", TB_SETTING_INT, AT(target_segments), "64000", 0, 1e9, NULL, 0, NULL, "for each individual network"},
    {"rate", TB_SETTING_DOUBLE, AT(rate), "0.002", 1e-9, 1000, NULL, 0, NULL, "learning rate at its highest"},
    {"decay", TB_SETTING_DOUBLE, AT(decay), "0.0001", 0, 1, NULL, 0, NULL, "of weights"},
    {"floor", TB_SETTING_DOUBLE, AT(floor), "0.005", 0, 1, NULL, 0, NULL, "share of the rate at the end"},
    {"clip", TB_SETTING_DOUBLE, AT(clip), "5", 1e-6, 1e9, NULL, 0, NULL, "longest gradient"},
    {"average", TB_SETTING_DOUBLE, AT(average), "0.998", 0, 0.99999, NULL, 0, NULL, "how much of the averaged weights stays in a step"},
    {"warm_up", TB_SETTING_INT, AT(warm_up), "200", 0, 1e9, NULL, 0, NULL, "steps in which the rate rises"},
    {"voice_eq", TB_SETTING_DOUBLE, AT(voice_eq), "3.5", 0, 30, NULL, 0, NULL, "dB, of a piece's stem"},
    {"level", TB_SETTING_DOUBLE, AT(level), "3", 0, 30, NULL, 0, NULL, "dB, of a piece's stem"},
    {"transpose_share", TB_SETTING_DOUBLE, AT(transpose_share), "0.6", 0, 1, NULL, 0, NULL, "stems that are transposed"},
    {"transpose", TB_SETTING_DOUBLE, AT(transpose), "4", 0, TB_AUGMENT_MAX_SEMITONES, NULL, 0, NULL, "semitones up or down"},
    {"slow", TB_SETTING_DOUBLE, AT(slow), "0.05", 0, 0.05, NULL, 0, NULL, "slower by up to, of a segment"},
    {"detune", TB_SETTING_DOUBLE, AT(detune), "0.5", 0, TB_AUGMENT_MAX_SEMITONES, NULL, 0, NULL, "semitones, of a segment"},
    {"compress_share", TB_SETTING_DOUBLE, AT(compress_share), "0.3", 0, 1, NULL, 0, NULL, "segments whose level is evened out"},
    {"noise_share", TB_SETTING_DOUBLE, AT(noise_share), "0.3", 0, 1, NULL, 0, NULL, "segments with noise"},
    {"low_pass_share", TB_SETTING_DOUBLE, AT(low_pass_share), "0.2", 0, 1, NULL, 0, NULL, "segments without the highest bands"},
    {"segment_eq", TB_SETTING_DOUBLE, AT(segment_eq), "1", 0, 30, NULL, 0, NULL, "dB, of a segment"},
};

static const tb_config_table table = {settings, sizeof settings / sizeof *settings, sizeof(tb_recipe)};

#define AS_IN_THE_PAPER                                                                                                      \
    "contrastive=0 triplet=1 leakage_mean=0 solo=0 rate=0.001 voice_eq=0 level=0 transpose_share=0 slow=0 detune=0 compress_share=0 " \
    "noise_share=0 low_pass_share=0 segment_eq=0 "

static const struct {
    const char *name, *settings;
} named[] = {
    {"contrastive", ""},
    {"basic", AS_IN_THE_PAPER "groups=basic"},
    {"aux-basic", AS_IN_THE_PAPER "groups=basic auxiliary=0.1"},
    {"aux-basic-add", AS_IN_THE_PAPER "groups=additional auxiliary=0.1"},
    {"aux-basic-add-prime", AS_IN_THE_PAPER "groups=additional auxiliary=0.1 pretrain=0.25"},
};

enum { N_NAMED = sizeof named / sizeof *named, SETTING_ROOM = 128 };

static tb_status set_all(tb_recipe *recipe, const char *list, tb_error *err)
{
    tb_status status = TB_OK;
    char setting[SETTING_ROOM];
    while (*list) {
        const size_t length = strcspn(list, " ");
        if (length > 0 && length < sizeof setting) {
            memcpy(setting, list, length);
            setting[length] = '\0';
            TB_TRY(tb_recipe_set(recipe, setting, err));
        }
        list += length + strspn(list + length, " ");
    }
out:
    return status;
}

tb_status tb_recipe_named(const char *name, tb_recipe *recipe, tb_error *err)
{
    tb_status status = TB_OK;
    tb_recipe made;
    size_t i = 0;
    while (i < N_NAMED && strcmp(named[i].name, name) != 0) i++;
    if (i == N_NAMED)
        TB_FAIL(err, TB_INVALID, "there is no recipe \"%.64s\"; there are contrastive, basic, aux-basic, aux-basic-add and aux-basic-add-prime", name);
    TB_TRY(tb_config_defaults(&table, &made, err));
    TB_TRY(set_all(&made, named[i].settings, err));
    *recipe = made;
out:
    return status;
}

tb_status tb_recipe_set(tb_recipe *recipe, const char *setting, tb_error *err)
{
    tb_status status = TB_OK;
    char name[SETTING_ROOM];
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting || (size_t)(equals - setting) >= sizeof name)
        TB_FAIL(err, TB_SYNTAX, "\"%.64s\" is no setting of a recipe; write name=value", setting);
    memcpy(name, setting, (size_t)(equals - setting));
    name[equals - setting] = '\0';
    TB_TRY(tb_config_set(&table, recipe, name, equals + 1, err));
out:
    return status;
}

static tb_status print_choice(const tb_setting *s, int value, tb_buffer *out)
{
    const char *choice = s->choices;
    for (int i = 0; i < value; i++) choice += strcspn(choice, "|") + 1;
    return tb_buffer_append(out, choice, strcspn(choice, "|"));
}

tb_status tb_recipe_print(const tb_recipe *recipe, tb_buffer *out)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < table.n_settings; i++) {
        const tb_setting *s = &settings[i];
        const void *value = (const char *)recipe + s->offset;
        char number[32];
        TB_TRY(tb_buffer_printf(out, "%s%s=", i ? " " : "", s->name));
        switch (s->type) {
        case TB_SETTING_INT: TB_TRY(tb_buffer_printf(out, "%" PRId64, *(const int64_t *)value)); break;
        case TB_SETTING_BOOL: TB_TRY(tb_buffer_append_text(out, *(const bool *)value ? "yes" : "no")); break;
        case TB_SETTING_CHOICE: TB_TRY(print_choice(s, *(const int *)value, out)); break;
        default:
            tb_format_double(*(const double *)value, number);
            TB_TRY(tb_buffer_append_text(out, number));
        }
    }
out:
    return status;
}

void tb_recipe_print_help(FILE *stream)
{
    for (size_t i = 0; i < table.n_settings; i++) {
        const tb_setting *s = &settings[i];
        fprintf(stream, "  %-20s %s (default %s", s->name, s->help, s->default_value);
        if (s->choices) fprintf(stream, "; %s", s->choices);
        else if (s->high > s->low) fprintf(stream, "; %g to %g", s->low, s->high);
        fprintf(stream, ")\n");
    }
}

size_t tb_recipe_n_solos(const tb_recipe *recipe)
{
    return recipe->groups == TB_GROUPS_CONTRAST ? (size_t)(recipe->solo * (double)recipe->segments_per_group + 0.5) : 0;
}

size_t tb_recipe_group_rows(const tb_recipe *recipe)
{
    return (size_t)recipe->segments_per_group + tb_recipe_n_solos(recipe);
}

bool tb_recipe_uses_targets(const tb_recipe *recipe)
{
    return recipe->auxiliary > 0 || recipe->pretrain > 0;
}

void tb_recipe_sampler(const tb_recipe *r, tb_sampler_options *options)
{
    const size_t n = (size_t)r->segments_per_group, ids = (size_t)r->ids;
    *options = (tb_sampler_options){.n_segments = n, .n_ids = ids < n ? ids : n, .absent = r->absent, .twins = r->twins};
}

void tb_recipe_augment(const tb_recipe *r, tb_augment_options *options)
{
    *options = (tb_augment_options){
        .voice_eq_db = r->voice_eq, .level_db = r->level, .transpose_share = r->transpose_share, .transpose = r->transpose, .slow = r->slow,
        .detune = r->detune, .compress_share = r->compress_share, .noise_share = r->noise_share, .low_pass_share = r->low_pass_share,
        .segment_eq_db = r->segment_eq,
    };
}

void tb_recipe_loss(const tb_recipe *r, bool pretraining, tb_loss_options *options)
{
    *options = (tb_loss_options){.temperature = r->temperature, .shared_weight = r->shared_weight, .margin = r->margin};
    options->weight[TB_LOSS_PRESENCE] = r->presence;
    if (pretraining) {
        options->weight[TB_LOSS_AUXILIARY] = 1;
        return;
    }
    options->weight[TB_LOSS_CONTRASTIVE] = r->contrastive;
    options->weight[TB_LOSS_TRIPLET] = r->triplet;
    options->weight[TB_LOSS_AUXILIARY] = r->auxiliary;
    options->weight[TB_LOSS_LEAKAGE] = r->leakage;
    options->weight[TB_LOSS_LEAKAGE_MEAN] = r->leakage_mean;
    options->weight[TB_LOSS_INDEPENDENCE] = r->independence;
}
