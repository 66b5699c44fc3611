// SPDX-License-Identifier: MIT
/* JSON texts of the engine, through jansson, in memory of ours. */
#include "engine/params.h"

#include "base/alloc.h"
#include "base/buffer.h"

static int append(const char *bytes, size_t size, void *context)
{
    return tb_buffer_append(context, bytes, size) == TB_OK ? 0 : -1;
}

tb_status tb__params_dump(json_t *value, char **text, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 1 << 20);
    if (!value) TB_FAIL(err, TB_INVALID, "a name or path is not UTF-8");
    if (json_dump_callback(value, append, &buffer, JSON_COMPACT) != 0) TB_FAIL(err, TB_NO_MEMORY, "no memory for parameters");
    if (!(*text = tb_buffer_take(&buffer))) TB_FAIL(err, TB_NO_MEMORY, "no memory for parameters");
out:
    tb_buffer_clear(&buffer);
    json_decref(value);
    return status;
}

char *tb__params_member(const char *json, const char *name)
{
    json_t *object = json ? json_loads(json, 0, NULL) : NULL;
    char *text = tb_strdup(json_string_value(json_object_get(object, name)));
    json_decref(object);
    return text;
}

tb_status tb__params_list(const char *json, char ***list, size_t *n, tb_error *err)
{
    tb_status status = TB_OK;
    json_t *array = json ? json_loads(json, 0, NULL) : NULL;
    char **made = tb_alloc(json_array_size(array), sizeof *made);
    size_t n_made = 0;
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a list");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text) continue;
        if (!(made[n_made] = tb_strdup(text))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a list");
        n_made++;
    }
    *list = made;
    *n = n_made;
    made = NULL;
out:
    for (size_t i = 0; made && i < n_made; i++) tb_free(made[i]);
    tb_free(made);
    json_decref(array);
    return status;
}
