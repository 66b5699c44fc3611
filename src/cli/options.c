// SPDX-License-Identifier: MIT
/* The table of flags and the choice of rows for a command. */
#include "cli/options.h"

#include "base/alloc.h"

#include <stddef.h>
#include <string.h>

extern char **environ;

#define ROW(field, kind, initial, ...) {.name = #field, .type = TB_SETTING_##kind, .offset = offsetof(tb_cli_options, field), .default_value = initial, __VA_ARGS__}

static const char common[] = "data server models threads json quiet help";

static const tb_setting all[] = {
    ROW(data, STRING, NULL, .short_flag = 'd', .value_name = "DIR", .help = "data folder to work on when no server is named"),
    ROW(server, STRING, NULL, .short_flag = 's', .value_name = "URL", .help = "server to ask, http://127.0.0.1:8080, instead of a data folder"),
    ROW(models, STRING, NULL, .value_name = "DIR", .help = "folder with *.safetensors; as installed if not given"),
    ROW(threads, INT, "0", .high = 256, .value_name = "N", .help = "threads to use; 0 = one per processor"),
    ROW(json, BOOL, "no", .help = "print the API's JSON"),
    ROW(quiet, BOOL, "no", .short_flag = 'q', .help = "no progress"),
    ROW(help, BOOL, "no", .short_flag = 'h', .help = "this text"),
    ROW(version, BOOL, "no", .help = "print the version"),
    ROW(using, STRING, NULL, .short_flag = 'u', .value_name = "PARTS", .help = "parts and weights: rhythm or timbre:1,rhythm:0.5"),
    ROW(space, STRING, NULL, .value_name = "NAME", .help = "space (model) to search in"),
    ROW(missing, STRING, NULL, .value_name = "HOW", .help = "silent parts: skip, exclude or penalize"),
    ROW(level, STRING, NULL, .value_name = "LEVEL", .help = "track or segment"),
    ROW(filter, STRING, NULL, .short_flag = 'f', .value_name = "FILTER", .help = "only these: 'tempo:[90 TO 120] genre:rock'"),
    ROW(group_by, STRING, NULL, .value_name = "WHAT", .help = "one hit for each track, artist or album"),
    ROW(with, STRING, NULL, .value_name = "LIST", .help = "also show: features, payload, vector, highlights"),
    ROW(limit, INT, "10", .short_flag = 'n', .low = 1, .high = 1000, .value_name = "N", .help = "how many"),
    ROW(offset, INT, "0", .high = 100000, .value_name = "N", .help = "hits to leave out at the top"),
    ROW(max_per_artist, INT, "0", .high = 1000, .value_name = "N", .help = "hits an artist; 0 = any"),
    ROW(max_per_album, INT, "0", .high = 1000, .value_name = "N", .help = "hits an album; 0 = any"),
    ROW(start, TIME, "0", .high = 1e6, .value_name = "TIME", .help = "where the passage to search for begins"),
    ROW(duration, TIME, "0", .high = 1e6, .value_name = "TIME", .help = "how long it is; 0 = to the end"),
    ROW(score_threshold, DOUBLE, "0", .high = 1, .value_name = "SCORE", .help = "lowest score, 0 to 1"),
    ROW(exclude_same_album, BOOL, "no", .help = "nothing from the query's own album"),
    ROW(explain, BOOL, "no", .help = "say what was dropped and why"),
    ROW(query, STRING, NULL, .short_flag = 'Q', .value_name = "WORDS", .help = "words to look for in the tags"),
    ROW(sort, STRING, NULL, .value_name = "FIELD", .help = "order by a tag or feature, -FIELD for descending"),
    ROW(name, STRING, NULL, .value_name = "NAME", .help = "name of the library; from the folder if not given"),
    ROW(output, STRING, NULL, .short_flag = 'o', .value_name = "FILE", .help = "where to write"),
    ROW(music, STRING, NULL, .value_name = "DIR", .help = "folder of music"),
    ROW(force, BOOL, "no", .help = "analyse again what is known"),
    ROW(wait, BOOL, "yes", .help = "wait for the end; --no-wait only starts it"),
    ROW(window, DOUBLE, "3", .low = 1, .high = 60, .value_name = "S", .help = "seconds of a window"),
    ROW(windows, INT, "6", .low = 2, .high = 100, .value_name = "N", .help = "windows a file"),
    ROW(midi, STRING, NULL, .value_name = "DIR", .help = "render the MIDI songs below, each once, instead of composing"),
    ROW(pieces, INT, "100", .low = 1, .high = 99999, .value_name = "N", .help = "pieces to make"),
    ROW(seed, INT, "1", .high = 1e15, .value_name = "N", .help = "what all random choices follow from"),
    ROW(format, CHOICE, "auto", .choices = "auto|slakh|cache", .value_name = "FORMAT", .help = "auto: cache when the name ends in .cache"),
    ROW(split, CHOICE, "train", .choices = "train|validation|test", .value_name = "SPLIT", .help = "each has songs of its own"),
    ROW(seconds, DOUBLE, "64", .low = 4, .high = 600, .value_name = "S", .help = "length of a piece"),
    ROW(soundfonts, CHOICE, "auto", .choices = "auto|train|test|none", .value_name = "SET", .help = "auto: test for the split test; none: patches alone"),
    ROW(soundfont, STRING, NULL, .value_name = "FILES", .help = "FILE:WEIGHT,... instead of a set"),
    ROW(patches, DOUBLE, "-1", .low = -1, .high = 1, .value_name = "SHARE", .help = "parts that the own synthesiser plays; -1: 0.35, and none for test"),
    ROW(effects, BOOL, "yes", .help = "drive, chorus, echo, room and levels"),
    ROW(rate, INT, "22050", .low = 8000, .high = 48000, .value_name = "HZ", .help = "of audio files"),
    ROW(audio, CHOICE, "flac", .choices = "flac|wav", .value_name = "KIND", .help = "of audio files"),
    ROW(bands, INT, "176", .low = 8, .high = 512, .value_name = "N", .help = "of a cache"),
    ROW(longest, TIME, "600", .low = 4, .high = 3600, .value_name = "TIME", .help = "how much of a track is imported at most"),
    ROW(cache, STRING, NULL, .value_name = "FILE", .help = "pieces made by timbre dataset, to train on or to evaluate with"),
    ROW(validation, STRING, NULL, .value_name = "FILE", .help = "other pieces, to choose the best state by"),
    ROW(network, STRING, "small", .value_name = "NAME", .help = "small, big, or a file with a network's text"),
    ROW(recipe, STRING, "contrastive", .value_name = "NAME", .help = "contrastive, basic, aux-basic, aux-basic-add, aux-basic-add-prime"),
    ROW(segments, INT, "700000", .low = 1, .high = 1e12, .value_name = "N", .help = "segments of 3 s to train on"),
    ROW(groups, INT, "4", .low = 1, .high = 64, .value_name = "N", .help = "groups of segments in a step, computed in parallel"),
    ROW(validations, INT, "20", .low = 1, .high = 10000, .value_name = "N", .help = "how often in all"),
    ROW(checkpoint, STRING, NULL, .value_name = "DIR", .help = "folder of checkpoint, log and curves; output.training if not given"),
    ROW(checkpoint_every, TIME, "10m", .low = 1, .high = 1e7, .value_name = "TIME", .help = "time between checkpoints"),
    ROW(model, STRING, NULL, .value_name = "FILE", .help = "model file to evaluate; instruments as installed if not given"),
    ROW(draws, INT, "20", .low = 1, .high = 1000, .value_name = "N", .help = "random draws of the pseudo-mixes"),
    ROW(quick, BOOL, "no", .help = "little of everything, to see that it works"),
    ROW(resume, BOOL, "no", .help = "go on from the checkpoint, if there is one"),
};

enum { N_ALL = sizeof all / sizeof *all };

static bool names(const char *list, const char *name)
{
    const size_t size = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += size)
        if ((at == list || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0')) return true;
    return false;
}

/* Rows of the command, in the order of the table. */
static tb_config_table choose(const char *flags, tb_setting chosen[N_ALL])
{
    tb_config_table table = {.settings = chosen, .struct_size = sizeof(tb_cli_options)};
    for (size_t i = 0; i < N_ALL; i++)
        if (names(common, all[i].name) || names(flags, all[i].name)) chosen[table.n_settings++] = all[i];
    return table;
}

tb_status tb_cli_options_read(const char *flags, int argc, char **argv, tb_cli_options *options, int *n_rest, char **rest, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_config_table whole = {all, N_ALL, sizeof *options};
    tb_setting chosen[N_ALL];
    const tb_config_table table = choose(flags, chosen);
    TB_TRY(tb_config_defaults(&whole, options, err));
    TB_TRY(tb_config_read_environment(&table, options, environ, err));
    TB_TRY(tb_config_read_flags(&table, options, argc, argv, n_rest, rest, err));
out:
    return status;
}

void tb_cli_options_clear(tb_cli_options *options)
{
    const tb_config_table whole = {all, N_ALL, sizeof *options};
    tb_config_clear(&whole, options);
}

void tb_cli_options_print_help(const char *flags, FILE *stream)
{
    tb_setting chosen[N_ALL];
    const tb_config_table table = choose(flags, chosen);
    tb_config_print_help(&table, stream);
}
