// SPDX-License-Identifier: MIT
/* Tags: TagLib's C binding for what it knows, tag_fields.c for the rest, libavformat for containers
 * that neither reads.
 *
 * TagLib wants a path.  It gets one to a small copy in memory that holds the tags alone (tag_bytes.h says
 * why).  Its management of strings is switched off: that is one list for the whole process without a lock. */
#include "audio/tags.h"

#include "audio/sniff.h"
#include "audio/tag_bytes.h"
#include "audio/tag_fields.h"
#ifdef HAVE_FFMPEG
#include "audio/ffmpeg_container.h"
#endif
#include "base/alloc.h"
#include "base/text.h"

#include <tag_c.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SCRATCH_PATH_BYTES = 256, MAX_NUMBER = 9999 };

static void set_up_taglib(void)
{
    taglib_set_string_management_enabled(0);
    taglib_set_strings_unicode(1);
}

/* --- a file for TagLib --- */

typedef struct scratch {
    int fd;
    bool named; /* a file that has to be removed */
    char path[SCRATCH_PATH_BYTES];
} scratch;

/* In memory where the system can, else a temporary file. */
static int open_scratch(scratch *made)
{
#ifdef MFD_CLOEXEC
    made->fd = memfd_create("timbre-tags", MFD_CLOEXEC);
    snprintf(made->path, sizeof made->path, "/proc/self/fd/%d", made->fd);
    if (made->fd >= 0 && access(made->path, R_OK) == 0) return 0;
    if (made->fd >= 0) close(made->fd);
#endif
    const char *folder = getenv("TMPDIR");
    const int n =
        snprintf(made->path, sizeof made->path, "%s/timbre-tags-XXXXXX", folder && *folder ? folder : "/tmp");
    made->fd = n > 0 && (size_t)n < sizeof made->path ? mkstemp(made->path) : -1;
    made->named = made->fd >= 0;
    return made->fd >= 0 ? 0 : -1;
}

static void close_scratch(scratch *made)
{
    if (made->named) (void)unlink(made->path);
    if (made->fd >= 0) close(made->fd);
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t count = write(fd, bytes, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* --- fields --- */

/* Clean copy in *out; NULL there when nothing is left of it.  lines: line feeds may stay. */
static tb_status set_text(char **out, const char *raw, bool lines)
{
    tb_status status = TB_OK;
    char *clean = NULL;
    const size_t limit = 4 * TB_TAGS_MAX_BYTES; /* cleaning makes it shorter or three times as long */
    if (!raw || !*raw) return TB_OK;
    clean = tb_utf8_clean(raw, strnlen(raw, limit));
    if (!clean) return TB_NO_MEMORY;
    if (!lines)
        for (char *c = clean; *c; c++)
            if (*c == '\n' || *c == '\t') *c = ' ';
    const char *begin = clean + strspn(clean, " \t\n");
    if (!*begin) goto out;
    char *text = tb_alloc(TB_TAGS_MAX_BYTES + 1, 1);
    if (!text) {
        status = TB_NO_MEMORY;
        goto out;
    }
    (void)tb_text_copy(text, TB_TAGS_MAX_BYTES + 1, begin);
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\n", text[n - 1])) text[--n] = '\0';
    char *shorter = tb_realloc(text, n + 1, 1);
    *out = shorter ? shorter : text;
out:
    tb_free(clean);
    return status;
}

static tb_status set_taglib_text(char **out, char *raw, bool lines)
{
    const tb_status status = set_text(out, raw, lines);
    taglib_free(raw);
    return status;
}

static int number_in_range(unsigned value)
{
    return value >= 1 && value <= MAX_NUMBER ? (int)value : 0;
}

/* The digits at the start: "2/3" is 2. */
static int leading_number(const char *text)
{
    unsigned value = 0;
    while (*text == ' ') text++;
    for (int i = 0; i < 5 && text[i] >= '0' && text[i] <= '9'; i++)
        value = 10 * value + (unsigned)(text[i] - '0');
    return number_in_range(value);
}

/* The binding guesses a file's type by its extension alone, so it is told.  False where it has no reader. */
static bool choose_type(const tb_sniff *sniff, TagLib_File_Type *type)
{
    static const struct {
        const char *kind; /* start of the name, or the demuxer */
        TagLib_File_Type type;
    } types[] = {
        {"Ogg FLAC", TagLib_File_OggFlac},
        {"Ogg Speex", TagLib_File_Speex},
        {"Ogg Vorbis", TagLib_File_OggVorbis},
        {"mp3", TagLib_File_MPEG},
        {"aac", TagLib_File_MPEG},
        {"flac", TagLib_File_FLAC},
        {"mov", TagLib_File_MP4},
        {"asf", TagLib_File_ASF},
        {"wv", TagLib_File_WavPack},
        {"tta", TagLib_File_TrueAudio},
        {"mpc", TagLib_File_MPC},
        {"mpc8", TagLib_File_MPC},
        {"wav", TagLib_File_MPEG},
        {"aiff", TagLib_File_MPEG}, /* of their ID3v2 chunk */
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].kind, sniff->name) != 0 && strcmp(types[i].kind, sniff->demuxer) != 0) continue;
        *type = types[i].type;
        return true;
    }
    return false;
}

static tb_status read_taglib(const char *path, TagLib_File_Type type, tb_tags *tags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    tb_status status = TB_OK;
    pthread_once(&once, set_up_taglib);
    TagLib_File *file = taglib_file_new_type(path, type);
    if (!file) return TB_OK;
    TagLib_Tag *tag = taglib_file_is_valid(file) ? taglib_file_tag(file) : NULL;
    if (!tag) goto out;
    TB_TRY(set_taglib_text(&tags->title, taglib_tag_title(tag), false));
    TB_TRY(set_taglib_text(&tags->artist, taglib_tag_artist(tag), false));
    TB_TRY(set_taglib_text(&tags->album, taglib_tag_album(tag), false));
    TB_TRY(set_taglib_text(&tags->genre, taglib_tag_genre(tag), false));
    TB_TRY(set_taglib_text(&tags->comment, taglib_tag_comment(tag), true));
    tags->year = number_in_range(taglib_tag_year(tag));
    tags->track = number_in_range(taglib_tag_track(tag));
out:
    taglib_file_free(file);
    return status;
}

static tb_status ask_taglib(const tb_buffer *bytes, const tb_sniff *sniff, tb_tags *tags)
{
    tb_status status = TB_OK;
    TagLib_File_Type type;
    scratch file = {.fd = -1};
    const uint8_t *part = (const uint8_t *)bytes->bytes;
    size_t size = bytes->size;
    if (!choose_type(sniff, &type)) return TB_OK;
    if ((strcmp(sniff->demuxer, "wav") == 0 || strcmp(sniff->demuxer, "aiff") == 0) &&
        !tb__tag_fields_find_id3(part, size, sniff, &part, &size))
        return TB_OK;
    if (open_scratch(&file) == 0 && write_all(file.fd, (const char *)part, size))
        status = read_taglib(file.path, type, tags);
    close_scratch(&file);
    return status;
}

#ifdef HAVE_FFMPEG
/* Matroska, DSD and others have tags that nobody else here reads. */
static tb_status ask_ffmpeg(const tb_audio_io *io, const tb_sniff *sniff, tb_tag_fields *found)
{
    tb_ffmpeg_container container = {0};
    tb_input *input = tb_alloc(1, sizeof *input);
    if (!input) return TB_NO_MEMORY;
    input->io = *io;
    input->start = sniff->start;
    input->size = io->size_bytes - sniff->start;
    tb_input_refill(input);
    if (tb__ffmpeg_container_open(input, sniff, "the file", &container, NULL) == TB_OK)
        tb__ffmpeg_container_read_tags(&container, found);
    tb__ffmpeg_container_close(&container);
    tb_free(input);
    return TB_OK;
}
#endif

/* What TagLib did not find. */
static tb_status fill_gaps(const tb_audio_io *io, const tb_buffer *bytes, const tb_sniff *sniff, tb_tags *tags)
{
    tb_status status = TB_OK;
    tb_tag_fields *found = tb_alloc(1, sizeof *found);
    if (!found) return TB_NO_MEMORY;
    if (bytes->size > 0) tb__tag_fields_read((const uint8_t *)bytes->bytes, bytes->size, sniff, found);
#ifdef HAVE_FFMPEG
    if (sniff->reader == TB_SNIFF_READER_FFMPEG && strcmp(sniff->demuxer, "mov") != 0)
        TB_TRY(ask_ffmpeg(io, sniff, found));
#else
    (void)io;
#endif
    if (!tags->title) TB_TRY(set_text(&tags->title, found->title, false));
    if (!tags->artist) TB_TRY(set_text(&tags->artist, found->artist, false));
    if (!tags->album) TB_TRY(set_text(&tags->album, found->album, false));
    if (!tags->genre) TB_TRY(set_text(&tags->genre, found->genre, false));
    if (!tags->comment) TB_TRY(set_text(&tags->comment, found->comment, true));
    TB_TRY(set_text(&tags->album_artist, found->album_artist, false));
    TB_TRY(set_text(&tags->composer, found->composer, false));
    if (!tags->year) tags->year = leading_number(found->year);
    if (!tags->track) tags->track = leading_number(found->track);
    tags->disc = leading_number(found->disc);
out:
    tb_free(found);
    return status;
}

static tb_status read_io(const tb_audio_io *io, tb_tags *tags, tb_error *err)
{
    tb_status status = TB_OK;
    tb_tags found = {0};
    tb_buffer bytes;
    tb_sniff sniff;
    tb_buffer_init(&bytes, TB_TAG_BYTES_MAX);
    if (!tb__sniff(io, &sniff)) {
        status = tb_error_errno(err, errno, "reading the tags");
        goto out;
    }
    if (sniff.reader != TB_SNIFF_READER_NONE) {
        TB_TRY(tb__tag_bytes_gather(io, &sniff, &bytes, err));
        if (bytes.size > 0) status = ask_taglib(&bytes, &sniff, &found);
        if (status == TB_OK) status = fill_gaps(io, &bytes, &sniff, &found);
        if (status != TB_OK) TB_FAIL(err, TB_NO_MEMORY, "no memory to read the tags");
    }
    *tags = found;
    found = (tb_tags){0};
out:
    tb_tags_clear(&found);
    tb_buffer_clear(&bytes);
    return status;
}

tb_status tb_tags_read_path(const char *path, tb_tags *tags, tb_error *err)
{
    tb_audio_io io = {0};
    tb_status status = tb_audio_io_open_path(path, &io, err);
    if (status != TB_OK) return status;
    status = read_io(&io, tags, err);
    if (status != TB_OK) (void)tb_error_prefix(err, "%s", path);
    tb_audio_io_close(&io);
    return status;
}

tb_status tb_tags_read_memory(const void *bytes, size_t size, tb_tags *tags, tb_error *err)
{
    tb_audio_io io;
    tb_audio_io_init_memory(&io, bytes, size);
    return read_io(&io, tags, err);
}

void tb_tags_clear(tb_tags *tags)
{
    tb_free(tags->title);
    tb_free(tags->artist);
    tb_free(tags->album);
    tb_free(tags->album_artist);
    tb_free(tags->composer);
    tb_free(tags->genre);
    tb_free(tags->comment);
    *tags = (tb_tags){0};
}
