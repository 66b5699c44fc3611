// SPDX-License-Identifier: MIT
/* JSON into a tb_track_patch (see patch_json.h). */
#include "api/patch_json.h"

#include "api/json_input.h"
#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TAG_NUMBER = 99999 };

static int find_tag(const char *name)
{
    for (int i = 0; i < TB_TAG_COUNT; i++)
        if (strcmp(tb_tag_name((tb_tag)i), name) == 0) return i;
    return -1;
}

static tb_status read_tag(tb_patch_input *input, int tag, const json_t *value, tb_error *err)
{
    const char *name = tb_tag_name((tb_tag)tag);
    input->patch.set_tag[tag] = true;
    if (json_is_null(value)) {
        input->patch.tags[tag] = NULL;
    } else if (tb_tag_is_number((tb_tag)tag)) {
        const json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < -9999 || number > MAX_TAG_NUMBER)
            return tb_error_set(err, TB_INVALID, "%s must be a whole number up to %d, or null, not %s", name,
                                MAX_TAG_NUMBER,
                                json_is_integer(value) ? "one out of that range" : tb_json_kind(value));
        snprintf(input->numbers[tag], sizeof input->numbers[tag], "%" PRId64, (int64_t)number);
        input->patch.tags[tag] = input->numbers[tag];
    } else {
        if (!json_is_string(value))
            return tb_error_set(err, TB_INVALID, "%s must be a text or null, not %s", name,
                                tb_json_kind(value));
        input->patch.tags[tag] = json_string_value(value);
    }
    return TB_OK;
}

static tb_status read_external_ids(tb_patch_input *input, const json_t *ids, tb_error *err)
{
    const char *scheme;
    json_t *value;
    if (!json_is_object(ids) || json_object_size(ids) > TB_MAX_PATCH_IDS)
        return tb_error_set(err, TB_INVALID,
                            "external_ids must be an object of at most %d schemes and their values",
                            TB_MAX_PATCH_IDS);
    json_object_foreach((json_t *)(uintptr_t)ids, scheme, value) {
        if (!json_is_null(value) && (!json_is_string(value) || json_string_length(value) == 0))
            return tb_error_set(err, TB_INVALID,
                                "external_ids.%.32s must be a text that is not empty, or null to remove it",
                                scheme);
        const char *text = json_is_null(value) ? "" : json_string_value(value);
        input->external_ids[input->patch.n_external_ids++] = (tb_external_id){(char *)(uintptr_t)scheme,
                                                                              (char *)(uintptr_t)text};
    }
    input->patch.external_ids = input->external_ids;
    return TB_OK;
}

static tb_status read_payload(tb_patch_input *input, const json_t *payload, tb_error *err)
{
    input->patch.set_payload = true;
    if (json_is_null(payload)) return TB_OK;
    if (!json_is_object(payload))
        return tb_error_set(err, TB_INVALID, "payload must be an object or null, not %s",
                            tb_json_kind(payload));
    input->payload = json_dumps(payload, JSON_COMPACT);
    if (!input->payload) return tb_error_set(err, TB_NO_MEMORY, "no memory for the payload");
    input->patch.payload = input->payload;
    return TB_OK;
}

static tb_status unknown_member(const char *name, tb_error *err)
{
    char known[256] = "";
    size_t used = 0;
    for (int i = 0; i < TB_TAG_COUNT && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s, ", tb_tag_name((tb_tag)i));
    return tb_error_set(err, TB_INVALID,
                        "a track has no \"%.64s\" that can be set; there are %sexternal_ids, payload", name,
                        known);
}

tb_status tb_patch_read(tb_patch_input *input, const json_t *json, tb_error *err)
{
    tb_status status = TB_OK;
    const char *name;
    json_t *value;
    memset(input, 0, sizeof *input);
    if (!json_is_object(json))
        TB_FAIL(err, TB_INVALID, "what a track should have must be a JSON object, not %s",
                tb_json_kind(json));
    json_object_foreach((json_t *)(uintptr_t)json, name, value) {
        const int tag = find_tag(name);
        if (tag >= 0) TB_TRY(read_tag(input, tag, value, err));
        else if (strcmp(name, "external_ids") == 0) TB_TRY(read_external_ids(input, value, err));
        else if (strcmp(name, "payload") == 0) TB_TRY(read_payload(input, value, err));
        else TB_TRY(unknown_member(name, err));
    }
out:
    if (status != TB_OK) tb_patch_clear(input);
    return status;
}

void tb_patch_clear(tb_patch_input *input)
{
    tb_free(input->payload);
    memset(input, 0, sizeof *input);
}
