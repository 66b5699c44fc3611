// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "train/recipe.h"

#include <string.h>

static void named_recipes_are_those_of_the_paper_and_ours(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_recipe recipe;
    tb_loss_options loss;
    assert_ok(tb_recipe_named("contrastive", &recipe, &err));
    assert_int_equal(recipe.groups, TB_GROUPS_CONTRAST);
    assert_false(tb_recipe_uses_targets(&recipe));
    assert_int_equal(tb_recipe_group_rows(&recipe), 128); /* 64 mixes, 64 solos */
    tb_recipe_loss(&recipe, false, &loss);
    assert_true(loss.weight[TB_LOSS_CONTRASTIVE] == 1 && loss.weight[TB_LOSS_TRIPLET] == 0 && loss.weight[TB_LOSS_AUXILIARY] == 0);

    assert_ok(tb_recipe_named("basic", &recipe, &err));
    assert_int_equal(recipe.groups, TB_GROUPS_BASIC);
    assert_false(tb_recipe_uses_targets(&recipe));
    assert_int_equal(tb_recipe_group_rows(&recipe), 64);
    assert_near(recipe.margin, 0.2, 0);

    assert_ok(tb_recipe_named("aux-basic", &recipe, &err));
    assert_true(tb_recipe_uses_targets(&recipe));
    assert_int_equal(recipe.groups, TB_GROUPS_BASIC);
    assert_near(recipe.auxiliary, 0.1, 0);
    assert_near(recipe.pretrain, 0, 0);

    assert_ok(tb_recipe_named("aux-basic-add", &recipe, &err));
    assert_int_equal(recipe.groups, TB_GROUPS_ADDITIONAL);
    assert_ok(tb_recipe_named("aux-basic-add-prime", &recipe, &err));
    assert_true(recipe.pretrain > 0);
    tb_recipe_loss(&recipe, true, &loss);
    assert_true(loss.weight[TB_LOSS_AUXILIARY] == 1 && loss.weight[TB_LOSS_TRIPLET] == 0);
    tb_recipe_loss(&recipe, false, &loss);
    assert_near(loss.weight[TB_LOSS_AUXILIARY], 0.1, 0);
    assert_status(tb_recipe_named("aux", &recipe, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "aux-basic-add-prime"));
}

static void settings_change_one_number(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_recipe recipe;
    tb_augment_options augment;
    tb_sampler_options sampling;
    assert_ok(tb_recipe_named("contrastive", &recipe, &err));
    assert_ok(tb_recipe_set(&recipe, "temperature=0.1", &err));
    assert_ok(tb_recipe_set(&recipe, "groups=additional", &err));
    assert_ok(tb_recipe_set(&recipe, "ids=200", &err));
    assert_ok(tb_recipe_set(&recipe, "soft_presence=yes", &err));
    assert_ok(tb_recipe_set(&recipe, "transpose=2", &err));
    assert_near(recipe.temperature, 0.1, 0);
    assert_int_equal(recipe.groups, TB_GROUPS_ADDITIONAL);
    assert_true(recipe.soft_presence);
    tb_recipe_augment(&recipe, &augment);
    assert_near(augment.transpose, 2, 0);
    tb_recipe_sampler(&recipe, &sampling);
    assert_int_equal(sampling.n_ids, 64); /* no more pieces than segments */
    assert_int_equal(tb_recipe_n_solos(&recipe), 0); /* triplets have none */
}

static void wrong_settings_are_refused_and_change_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_recipe recipe, before;
    assert_ok(tb_recipe_named("contrastive", &recipe, &err));
    before = recipe;
    assert_status(tb_recipe_set(&recipe, "temprature=1", &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "temperature"));
    assert_status(tb_recipe_set(&recipe, "temperature=0", &err), TB_INVALID);
    assert_status(tb_recipe_set(&recipe, "absent=0.95", &err), TB_INVALID);
    assert_status(tb_recipe_set(&recipe, "temperature", &err), TB_SYNTAX);
    assert_status(tb_recipe_set(&recipe, "=1", &err), TB_SYNTAX);
    assert_int_not_equal(tb_recipe_set(&recipe, "groups=many", &err), TB_OK);
    assert_int_not_equal(tb_recipe_set(&recipe, "temperature=nan", &err), TB_OK);
    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    memcpy(long_name + sizeof long_name - 3, "=1", 3);
    assert_status(tb_recipe_set(&recipe, long_name, &err), TB_SYNTAX);
    assert_memory_equal(&recipe, &before, sizeof recipe);
}

static void what_is_printed_makes_the_same_recipe(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_recipe recipe, again;
    tb_buffer text, text_again;
    tb_buffer_init(&text, 1 << 16);
    tb_buffer_init(&text_again, 1 << 16);
    assert_ok(tb_recipe_named("aux-basic-add-prime", &recipe, &err));
    assert_ok(tb_recipe_set(&recipe, "rate=0.00123", &err));
    assert_ok(tb_recipe_print(&recipe, &text));
    assert_ok(tb_recipe_named("contrastive", &again, &err));
    char *save = NULL, *copy = tb_buffer_take(&text);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) assert_ok(tb_recipe_set(&again, word, &err));
    assert_ok(tb_recipe_print(&recipe, &text));
    assert_ok(tb_recipe_print(&again, &text_again));
    assert_string_equal(text.bytes, text_again.bytes);
    tb_free(copy);
    tb_buffer_clear(&text);
    tb_buffer_clear(&text_again);
}

TB_TESTS(recipe, cmocka_unit_test(named_recipes_are_those_of_the_paper_and_ours), cmocka_unit_test(settings_change_one_number),
         cmocka_unit_test(wrong_settings_are_refused_and_change_nothing), cmocka_unit_test(what_is_printed_makes_the_same_recipe))
