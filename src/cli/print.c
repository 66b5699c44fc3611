// SPDX-License-Identifier: MIT
/* Tables and lists for a terminal.  Columns are cut by characters, not bytes, so that UTF-8 lines up. */
#include "cli/print.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void tb_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
}

void tb_print_json_line(const json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
}

/* Writes text in exactly `width` columns; control characters become blanks, so that tags cannot steer the terminal. */
static void print_column(const char *text, int width)
{
    int used = 0;
    for (const char *c = text ? text : ""; *c && used < width; used++) {
        const unsigned char lead = (unsigned char)*c;
        const int n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (lead < 0x20 || lead == 0x7f || (lead == 0xc2 && (unsigned char)c[1] < 0xa0)) putchar(' ');
        else fwrite(c, 1, (size_t)n, stdout);
        c += n;
    }
    for (; used < width; used++) putchar(' ');
}

static void print_time(double seconds)
{
    const int s = (int)(seconds + 0.5);
    printf("%d:%02d", s / 60, s % 60);
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void print_name(const json_t *track, int width)
{
    char name[512];
    const char *artist = text_of(track, "artist"), *title = text_of(track, "title"), *path = text_of(track, "path");
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!title) title = slash ? slash + 1 : text_of(track, "id");
    snprintf(name, sizeof name, "%s%s%s", artist ? artist : "", artist ? " - " : "", title ? title : "");
    print_column(name, width);
}

static void print_bar(double score)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int filled = score > 0 ? (int)(80 * (score > 1 ? 1 : score) + 0.5) : 0; /* in eighths of ten columns */
    for (int i = 0; i < filled / 8; i++) fputs("█", stdout);
    fputs(eighths[filled % 8], stdout);
    for (int i = filled / 8 + (filled % 8 > 0); i < 10; i++) putchar(' ');
}

static void print_parts(const json_t *parts)
{
    const char *name;
    const json_t *part;
    json_object_foreach((json_t *)parts, name, part)
    {
        const json_t *score = json_object_get(part, "score");
        if (json_is_number(score)) printf("  %s %.2f", name, json_number_value(score));
        else printf("  %s  - ", name);
    }
}

static void print_highlight(const json_t *hit)
{
    const json_t *highlight = json_array_get(json_object_get(hit, "highlights"), 0);
    if (!highlight) return;
    printf("  at ");
    print_time(json_number_value(json_object_get(highlight, "start")));
    putchar('-');
    print_time(json_number_value(json_object_get(highlight, "end")));
}

static void print_dropped(const json_t *dropped)
{
    const char *name;
    const json_t *count;
    bool any = false;
    json_object_foreach((json_t *)dropped, name, count)
    {
        if (json_integer_value(count) == 0) continue;
        printf("%s%s %lld", any ? ", " : "left out by: ", name, (long long)json_integer_value(count));
        any = true;
    }
    if (any) putchar('\n');
}

void tb_print_hits(const json_t *answer)
{
    const json_t *results = json_object_get(answer, "results");
    size_t i;
    const json_t *hit;
    json_array_foreach(results, i, hit)
    {
        const json_t *track = json_object_get(hit, "track");
        const double score = json_number_value(json_object_get(hit, "score"));
        printf("%3zu  ", i + 1);
        print_bar(score);
        printf(" %.3f  ", score);
        print_name(track, 44);
        printf("  %s", text_of(hit, "id"));
        print_highlight(hit);
        print_parts(json_object_get(hit, "parts"));
        putchar('\n');
    }
    if (json_array_size(results) == 0) printf("nothing was found\n");
    print_dropped(json_object_get(answer, "dropped_by"));
    printf("%.1f ms, space %s\n", 1000 * json_number_value(json_object_get(answer, "time")), text_of(answer, "space"));
}

void tb_print_tracks(const json_t *results)
{
    size_t i;
    const json_t *track;
    json_array_foreach(results, i, track)
    {
        printf("%s  ", text_of(track, "id"));
        print_name(track, 48);
        printf("  ");
        print_column(text_of(track, "album"), 24);
        printf("  ");
        print_time(json_number_value(json_object_get(track, "duration")));
        putchar('\n');
    }
}

static void print_member(const char *name, const json_t *value, int indent)
{
    if (json_is_null(value) || ((json_is_object(value) || json_is_array(value)) && json_object_size(value) + json_array_size(value) == 0)) return;
    printf("%*s%-*s ", indent, "", 24 - indent, name);
    if (json_is_string(value)) {
        print_column(json_string_value(value), (int)json_string_length(value));
    } else if (json_is_real(value)) {
        printf("%.6g", json_real_value(value));
    } else if (json_is_object(value)) {
        const char *inner;
        const json_t *of;
        putchar('\n');
        json_object_foreach((json_t *)value, inner, of) print_member(inner, of, indent + 2);
        return;
    } else {
        json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
    }
    putchar('\n');
}

void tb_print_object(const json_t *object)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)object, name, value) print_member(name, value, 0);
}
