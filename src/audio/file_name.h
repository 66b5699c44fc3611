// SPDX-License-Identifier: MIT
/* Which files of a folder are worth opening: audio by the ending of their name.  What they really are is found out by
 * their bytes when they are decoded (decode.h).  Threads: any. */
#ifndef TIMBRE_AUDIO_FILE_NAME_H
#define TIMBRE_AUDIO_FILE_NAME_H

#include <stdbool.h>

/* path: with or without folders; the ending counts in any case. */
bool tb_audio_is_file_name(const char *path);

#endif
