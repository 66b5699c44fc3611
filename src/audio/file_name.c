// SPDX-License-Identifier: MIT
/* The endings of audio files that libsndfile or FFmpeg read. */
#include "audio/file_name.h"

#include "base/fs.h"
#include "base/text.h"

#include <stddef.h>

static const char *const extensions[] = {
    "aac", "aif", "aifc", "aiff", "alac", "ape", "au", "caf", "dff", "dsf", "flac", "m4a", "m4b", "mka", "mp2", "mp3", "mp4",
    "mpc", "oga", "ogg", "opus", "rf64", "snd", "spx", "tta", "w64", "wav", "webm", "wma", "wv",
};

bool tb_audio_is_file_name(const char *path)
{
    const char *extension = tb_fs_extension(path);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (tb_text_equal_nocase(extension, extensions[i])) return true;
    return false;
}
