// SPDX-License-Identifier: MIT
/* Fuzz target: any bytes as a MIDI file; what is read passes every check of a song.
 *
 *     ./configure CC=clang --enable-asan --enable-ubsan && make tests/fuzz/fuzz-midi
 *     tests/fuzz/fuzz-midi -max_len=5000 NEW_CORPUS tests/fuzz/corpus/midi
 *
 * The corpus is replayed by `make check` as the unit test "midi file: the corpus keeps every promise". */
#include "fuzz/fuzz_midi.h"

#include "base/text.h"
#include "train/midi_file.h"

#include <stdlib.h>
#include <string.h>

static void require(bool condition)
{
    if (!condition) abort();
}

int tb_fuzz_midi(const uint8_t *bytes, size_t size)
{
    tb_error err = {0};
    tb_song *song = NULL;
    const tb_status status = tb_midi_read(bytes, size, "fuzz", &song, &err);
    if (status != TB_OK) {
        require(!song && err.code == status && *err.message && tb_utf8_valid(err.message, strlen(err.message)));
        return 0;
    }
    require(tb_song_check(song, NULL) == TB_OK);
    require(song->n_parts > 0 && song->n_beats > 0 && song->n_bars > 0 && tb_song_stems(song) != 0);
    tb_song_free(song);
    return 0;
}

#ifdef TB_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return tb_fuzz_midi(bytes, size);
}
#endif
