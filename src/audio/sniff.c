// SPDX-License-Identifier: MIT
/* Kinds of files by their first bytes: one table of magic numbers, then the kinds that need a closer look
 * (MPEG audio has no magic number, text has none at all).
 *
 * The table is also the gate: a parser is reached only by bytes that a row names for it. */
#include "audio/sniff.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

enum {
    HEAD_BYTES = 4096,
    SCAN_BYTES = 64 * 1024, /* how far MPEG audio is looked for behind garbage */
    MAX_CHUNKS = 10000,     /* of a RIFF, AIFF or MP4 file */
};

typedef struct magic_row {
    uint16_t offset;
    const char *magic;
    uint8_t size;
    uint16_t offset_2; /* a second magic number, when size_2 > 0 */
    const char *magic_2;
    uint8_t size_2;
    tb_sniff_reader reader;
    const char *name;
    const char *demuxer;
    bool holds_codecs;
} magic_row;

#define MAGIC(offset, text) offset, text, sizeof text - 1
#define NO_SECOND 0, "", 0
#define SNDFILE(name, demuxer) TB_SNIFF_READER_SNDFILE, name, demuxer, false
#define SNDFILE_BOX(name, demuxer) TB_SNIFF_READER_SNDFILE, name, demuxer, true
#define FFMPEG(name, demuxer) TB_SNIFF_READER_FFMPEG, name, demuxer, false
#define FFMPEG_BOX(name, demuxer) TB_SNIFF_READER_FFMPEG, name, demuxer, true
#define OTHER(name) TB_SNIFF_READER_NONE, name, NULL, false

static const magic_row rows[] = {
    /* libsndfile */
    {MAGIC(0, "RIFF"), MAGIC(8, "WAVE"), SNDFILE_BOX("WAV", "wav")},
    {MAGIC(0, "RIFX"), MAGIC(8, "WAVE"), SNDFILE_BOX("WAV (RIFX)", "wav")},
    {MAGIC(0, "RF64"), MAGIC(8, "WAVE"), SNDFILE_BOX("RF64", "wav")},
    {MAGIC(0, "riff\x2e\x91\xcf\x11"), NO_SECOND, SNDFILE_BOX("W64", "w64")},
    {MAGIC(0, "FORM"), MAGIC(8, "AIFF"), SNDFILE_BOX("AIFF", "aiff")},
    {MAGIC(0, "FORM"), MAGIC(8, "AIFC"), SNDFILE_BOX("AIFF-C", "aiff")},
    {MAGIC(0, ".snd"), NO_SECOND, SNDFILE_BOX("AU", "au")},
    {MAGIC(0, "dns."), NO_SECOND, SNDFILE_BOX("AU", "au")},
    {MAGIC(0, "caff"), NO_SECOND, SNDFILE_BOX("CAF", "caf")},
    {MAGIC(0, "fLaC"), NO_SECOND, SNDFILE("FLAC", "flac")},
    {MAGIC(0, "OggS"), MAGIC(28, "\x01vorbis"), SNDFILE("Ogg Vorbis", "ogg")},
    {MAGIC(0, "OggS"), MAGIC(28, "OpusHead"), SNDFILE("Ogg Opus", "ogg")},
    {MAGIC(0, "OggS"), MAGIC(28, "\x7f""FLAC"), SNDFILE("Ogg FLAC", "ogg")},
    {MAGIC(0, "OggS"), MAGIC(28, "Speex   "), FFMPEG("Ogg Speex", "ogg")},
    {MAGIC(0, "OggS"), NO_SECOND, FFMPEG_BOX("Ogg", "ogg")},
    /* FFmpeg; pictures share the box format of MP4 and come first */
    {MAGIC(4, "ftyp"), MAGIC(8, "avif"), OTHER("an AVIF picture")},
    {MAGIC(4, "ftyp"), MAGIC(8, "heic"), OTHER("a HEIC picture")},
    {MAGIC(4, "ftyp"), MAGIC(8, "heix"), OTHER("a HEIC picture")},
    {MAGIC(4, "ftyp"), MAGIC(8, "mif1"), OTHER("a HEIF picture")},
    {MAGIC(4, "ftyp"), MAGIC(8, "M4A "), FFMPEG_BOX("M4A", "mov")},
    {MAGIC(4, "ftyp"), MAGIC(8, "M4B "), FFMPEG_BOX("M4B", "mov")},
    {MAGIC(4, "ftyp"), MAGIC(8, "M4P "), FFMPEG_BOX("M4P", "mov")},
    {MAGIC(4, "ftyp"), MAGIC(8, "qt  "), FFMPEG_BOX("QuickTime", "mov")},
    {MAGIC(4, "ftyp"), MAGIC(8, "3gp"), FFMPEG_BOX("3GP", "mov")},
    {MAGIC(4, "ftyp"), NO_SECOND, FFMPEG_BOX("MP4", "mov")},
    {MAGIC(4, "moov"), NO_SECOND, FFMPEG_BOX("QuickTime", "mov")},
    {MAGIC(4, "mdat"), NO_SECOND, FFMPEG_BOX("QuickTime", "mov")},
    {MAGIC(0, "\x1a\x45\xdf\xa3"), NO_SECOND, FFMPEG_BOX("Matroska or WebM", "matroska")},
    {MAGIC(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"), NO_SECOND, FFMPEG_BOX("WMA (ASF)", "asf")},
    {MAGIC(0, "wvpk"), NO_SECOND, FFMPEG("WavPack", "wv")},
    {MAGIC(0, "MAC "), NO_SECOND, FFMPEG("Monkey's Audio", "ape")},
    {MAGIC(0, "MPCK"), NO_SECOND, FFMPEG("Musepack", "mpc8")},
    {MAGIC(0, "MP+"), NO_SECOND, FFMPEG("Musepack", "mpc")},
    {MAGIC(0, "TTA1"), NO_SECOND, FFMPEG("True Audio", "tta")},
    {MAGIC(0, "tBaK"), NO_SECOND, FFMPEG("TAK", "tak")},
    {MAGIC(0, "DSD "), NO_SECOND, FFMPEG("DSD (DSF)", "dsf")},
    {MAGIC(0, "FRM8"), MAGIC(12, "DSD "), FFMPEG("DSD (DSDIFF)", "iff")},
    {MAGIC(0, "#!AMR"), NO_SECOND, FFMPEG("AMR", "amr")},
    {MAGIC(0, "\x0b\x77"), NO_SECOND, FFMPEG("AC-3", "ac3")},
    {MAGIC(0, "\x7f\xfe\x80\x01"), NO_SECOND, FFMPEG("DTS", "dts")},
    /* known, and not for us */
    {MAGIC(0, "MThd"), NO_SECOND, OTHER("a MIDI file: notes without sound, to be rendered first")},
    {MAGIC(0, "RIFF"), MAGIC(8, "RMID"), OTHER("a MIDI file: notes without sound, to be rendered first")},
    {MAGIC(0, "RIFF"), MAGIC(8, "sfbk"), OTHER("a SoundFont: instruments, not a recording")},
    {MAGIC(0, "RIFF"), MAGIC(8, "AVI "), OTHER("an AVI video; extract its sound first")},
    {MAGIC(0, "RIFF"), MAGIC(8, "WEBP"), OTHER("a WebP picture, not audio")},
    {MAGIC(0, "FLV\x01"), NO_SECOND, OTHER("a Flash video; extract its sound first")},
    {MAGIC(0, "\0\0\x01\xba"), NO_SECOND, OTHER("an MPEG video; extract its sound first")},
    {MAGIC(0, "\0\0\x01\xb3"), NO_SECOND, OTHER("an MPEG video; extract its sound first")},
    {MAGIC(0, "G"), MAGIC(188, "G"), OTHER("an MPEG transport stream; extract its sound first")},
    {MAGIC(0, ".RMF"), NO_SECOND, OTHER("RealMedia; convert it to FLAC, Ogg or MP3 first")},
    {MAGIC(0, "Extended Module: "), NO_SECOND, OTHER("an XM tracker module, to be rendered first")},
    {MAGIC(0, "IMPM"), NO_SECOND, OTHER("an IT tracker module, to be rendered first")},
    {MAGIC(44, "SCRM"), NO_SECOND, OTHER("an S3M tracker module, to be rendered first")},
    {MAGIC(1080, "M.K."), NO_SECOND, OTHER("a MOD tracker module, to be rendered first")},
    {MAGIC(0, "\x89PNG"), NO_SECOND, OTHER("a PNG picture, not audio")},
    {MAGIC(0, "\xff\xd8\xff"), NO_SECOND, OTHER("a JPEG picture, not audio")},
    {MAGIC(0, "GIF8"), NO_SECOND, OTHER("a GIF picture, not audio")},
    {MAGIC(0, "II*\0"), NO_SECOND, OTHER("a TIFF picture, not audio")},
    {MAGIC(0, "MM\0*"), NO_SECOND, OTHER("a TIFF picture, not audio")},
    {MAGIC(0, "BM"), MAGIC(6, "\0\0\0\0"), OTHER("a BMP picture, not audio")},
    {MAGIC(0, "%PDF"), NO_SECOND, OTHER("a PDF document, not audio")},
    {MAGIC(0, "PK\x03\x04"), NO_SECOND, OTHER("a ZIP archive; unpack it first")},
    {MAGIC(0, "PK\x05\x06"), NO_SECOND, OTHER("an empty ZIP archive")},
    {MAGIC(0, "\x1f\x8b"), NO_SECOND, OTHER("compressed with gzip; unpack it first")},
    {MAGIC(0, "BZh"), NO_SECOND, OTHER("compressed with bzip2; unpack it first")},
    {MAGIC(0, "\xfd""7zXZ"), NO_SECOND, OTHER("compressed with xz; unpack it first")},
    {MAGIC(0, "\x28\xb5\x2f\xfd"), NO_SECOND, OTHER("compressed with zstd; unpack it first")},
    {MAGIC(0, "7z\xbc\xaf\x27\x1c"), NO_SECOND, OTHER("a 7-Zip archive; unpack it first")},
    {MAGIC(0, "Rar!"), NO_SECOND, OTHER("a RAR archive; unpack it first")},
    {MAGIC(257, "ustar"), NO_SECOND, OTHER("a tar archive; unpack it first")},
    {MAGIC(0, "SQLite format 3"), NO_SECOND, OTHER("an SQLite database, not audio")},
    {MAGIC(0, "\x7f""ELF"), NO_SECOND, OTHER("a program, not audio")},
    {MAGIC(0, "MZ"), NO_SECOND, OTHER("a program, not audio")},
    {MAGIC(0, "\xd0\xcf\x11\xe0"), NO_SECOND, OTHER("an Office document, not audio")},
    {MAGIC(0, "#EXTM3U"), NO_SECOND, OTHER("a playlist: it names audio files and holds none")},
    {MAGIC(0, "[playlist]"), NO_SECOND, OTHER("a playlist: it names audio files and holds none")},
};

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t get_be64(const uint8_t *p)
{
    return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

static bool bytes_at(const uint8_t *head, size_t size, size_t offset, const char *magic, size_t magic_size)
{
    return offset + magic_size <= size && memcmp(head + offset, magic, magic_size) == 0;
}

static const magic_row *find_row(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const magic_row *row = &rows[i];
        if (bytes_at(head, size, row->offset, row->magic, row->size) &&
            bytes_at(head, size, row->offset_2, row->magic_2, row->size_2))
            return row;
    }
    return NULL;
}

/* --- MPEG audio (ISO/IEC 11172-3 and 13818-3, 2.4.1.3) and ADTS (13818-7, 6.2) --- */

typedef struct mpeg_frame {
    int layer;        /* 1..3 */
    uint32_t size;    /* bytes of the frame, header included */
    uint32_t kind;    /* header bits that stay the same within a file: version, layer, rate */
} mpeg_frame;

static bool parse_mpeg_frame(const uint8_t *p, mpeg_frame *frame)
{
    static const uint16_t kbit[5][16] = {
        {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0}, /* version 1, layer I */
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},    /* version 1, layer II */
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},     /* version 1, layer III */
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},    /* version 2, layer I */
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},         /* version 2, II and III */
    };
    static const uint16_t rates[4] = {44100, 48000, 32000, 0};
    if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0) return false;
    const int version = (p[1] >> 3) & 3; /* 0: 2.5, 2: 2, 3: 1 */
    const int layer = 4 - ((p[1] >> 1) & 3);
    const int bitrate = p[2] >> 4;
    const int rate = (p[2] >> 2) & 3;
    const uint32_t padding = (p[2] >> 1) & 1;
    if (version == 1 || layer == 4 || bitrate == 0 || bitrate == 15 || rate == 3) return false;
    const int row = version == 3 ? layer - 1 : layer == 1 ? 3 : 4;
    const uint32_t bits_per_s = kbit[row][bitrate] * 1000u;
    const uint32_t rate_hz = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    frame->layer = layer;
    frame->kind = (uint32_t)(p[1] & 0x1e) << 8 | (uint32_t)(p[2] & 0x0c);
    if (layer == 1)
        frame->size = (12 * bits_per_s / rate_hz + padding) * 4;
    else
        frame->size = (layer == 3 && version != 3 ? 72 : 144) * bits_per_s / rate_hz + padding;
    return frame->size >= 8;
}

/* ADTS: the size of one frame of raw AAC, 0 when it is none. */
static uint32_t parse_adts_frame(const uint8_t *p)
{
    if (p[0] != 0xff || (p[1] & 0xf6) != 0xf0 || ((p[2] >> 2) & 15) > 12) return 0;
    const uint32_t size = (uint32_t)(p[3] & 3) << 11 | (uint32_t)p[4] << 3 | p[5] >> 5;
    return size >= 9 ? size : 0;
}

/* How many frames of one kind follow each other from `at` on, up to `wanted`.  Frames cut by the end of
 * what was read count as wanted when that is the end of the file. */
static int count_mpeg_frames(const uint8_t *head, size_t size, size_t at, bool whole_file, int wanted,
                             int *layer)
{
    uint32_t kind = 0;
    for (int n = 0; n < wanted; n++) {
        mpeg_frame frame;
        if (at + 4 > size) return whole_file && n > 0 ? wanted : n;
        if (!parse_mpeg_frame(head + at, &frame) || (n > 0 && frame.kind != kind)) return n;
        kind = frame.kind;
        *layer = frame.layer;
        at += frame.size;
    }
    return wanted;
}

static int count_adts_frames(const uint8_t *head, size_t size, size_t at, int wanted)
{
    for (int n = 0; n < wanted; n++) {
        if (at + 7 > size) return n;
        const uint32_t frame = parse_adts_frame(head + at);
        if (frame == 0) return n;
        at += frame;
    }
    return wanted;
}

static bool find_mpeg(const tb_audio_io *io, int64_t start, const uint8_t *head, size_t size, tb_sniff *sniff)
{
    static const char *const names[] = {"MPEG audio layer I", "MPEG audio layer II", "MP3"};
    uint8_t more[SCAN_BYTES];
    const bool whole_head = start + (int64_t)size >= io->size_bytes;
    int layer = 3;
    int64_t at = -1;

    if (count_adts_frames(head, size, 0, 2) == 2) {
        *sniff = (tb_sniff){TB_SNIFF_READER_FFMPEG, "AAC", "aac", false, start};
        return true;
    }
    if (count_mpeg_frames(head, size, 0, whole_head, 2, &layer) == 2) {
        at = start;
    } else { /* behind garbage: only a run of frames convinces */
        const int64_t count = tb_audio_io_read_fully(io, start, more, sizeof more);
        const bool whole = start + count >= io->size_bytes;
        for (int64_t i = 0; i + 4 <= count && at < 0; i++)
            if (more[i] == 0xff && count_mpeg_frames(more, (size_t)count, (size_t)i, whole, 4, &layer) == 4)
                at = start + i;
    }
    if (at < 0) return false;
    *sniff = (tb_sniff){TB_SNIFF_READER_SNDFILE, names[layer - 1], "mp3", false, at};
    return true;
}

/* --- tags in front, text --- */

/* Position behind the ID3v2 tags at `start`; the same position when there is none or when its size lies. */
static int64_t skip_id3(const tb_audio_io *io, int64_t start)
{
    for (int n = 0; n < 8; n++) {
        uint8_t p[10];
        if (tb_audio_io_read_fully(io, start, p, sizeof p) != (int64_t)sizeof p || memcmp(p, "ID3", 3) != 0)
            break;
        if (((p[6] | p[7] | p[8] | p[9]) & 0x80) != 0) break;
        const int64_t size = (int64_t)p[6] << 21 | (int64_t)p[7] << 14 | (int64_t)p[8] << 7 | p[9];
        const int64_t end = start + 10 + size + ((p[5] & 0x10) != 0 ? 10 : 0);
        if (end >= io->size_bytes) break;
        start = end;
    }
    return start;
}

static const char *describe_text(const uint8_t *head, size_t size)
{
    size_t n = size < 512 ? size : 512;
    while (n > 0 && (head[n - 1] & 0x80) != 0 && size > 512) n--; /* do not cut a character */
    for (size_t i = 0; i < n; i++)
        if ((head[i] < 32 && !strchr("\t\n\r\f", head[i])) || head[i] == 127 || head[i] == 0) return NULL;
    if (n == 0 || !tb_utf8_valid((const char *)head, n)) return NULL;
    size_t at = 0;
    while (at < n && strchr(" \t\r\n", head[at])) at++;
    if (at < n && head[at] == '<') return "an HTML or XML page, not audio";
    if (at < n && (head[at] == '{' || head[at] == '[')) return "JSON text, not audio";
    return "text, not audio";
}

bool tb__sniff(const tb_audio_io *io, tb_sniff *sniff)
{
    uint8_t head[HEAD_BYTES];
    tb_sniff found = {.reader = TB_SNIFF_READER_NONE};
    found.start = skip_id3(io, 0);
    const int64_t count = tb_audio_io_read_fully(io, found.start, head, sizeof head);
    if (count < 0) return false;
    const size_t size = (size_t)count;

    const magic_row *row = find_row(head, size);
    if (row) {
        found.reader = row->reader;
        found.name = row->name;
        found.demuxer = row->demuxer;
        found.holds_codecs = row->holds_codecs;
    } else if (size > 0 && !find_mpeg(io, found.start, head, size, &found)) {
        found.name = describe_text(head, size);
        if (found.start > 0 || bytes_at(head, size, 0, "ID3", 3))
            found.name = "an ID3 tag without audio behind it";
    }
    *sniff = found;
    return true;
}

/* --- where a container ought to end --- */

/* RIFF, RF64, AIFF: walks the chunks to the audio one and compares. */
static bool chunks_end_early(const tb_audio_io *io, int64_t start, const char *audio_chunk, bool big_endian)
{
    uint8_t p[36];
    int64_t long_size = -1; /* of RF64's ds64 chunk */
    int64_t at = start + 12;
    for (int n = 0; n < MAX_CHUNKS; n++) {
        if (tb_audio_io_read_fully(io, at, p, 8) != 8) return true;
        const uint32_t size = big_endian ? get_be32(p + 4) : get_le32(p + 4);
        if (memcmp(p, audio_chunk, 4) == 0) {
            /* what is written while it is recorded has 0 or the largest size until it is closed */
            if (size == 0 || size >= 0x7ffff000u) return long_size > io->size_bytes - at - 8;
            return (int64_t)size > io->size_bytes - at - 8;
        }
        if (memcmp(p, "ds64", 4) == 0 && tb_audio_io_read_fully(io, at + 8, p, 24) == 24) {
            const uint64_t value = get_le64(p + 8);
            if (value < (uint64_t)INT64_MAX) long_size = (int64_t)value;
        }
        at += 8 + (int64_t)size + (size & 1);
    }
    return false;
}

/* MP4: the top-level boxes fill the file. */
static bool boxes_end_early(const tb_audio_io *io, int64_t start)
{
    uint8_t p[16];
    int64_t at = start;
    for (int n = 0; n < MAX_CHUNKS && at < io->size_bytes; n++) {
        if (tb_audio_io_read_fully(io, at, p, 16) < 8) return true;
        uint64_t size = get_be32(p);
        if (size == 0) return false; /* to the end of the file */
        if (size == 1) size = get_be64(p + 8);
        if (size < 8) return false; /* damaged, and not our question */
        if (size > (uint64_t)(io->size_bytes - at)) return true;
        at += (int64_t)size;
    }
    return false;
}

/* Ogg (RFC 3533): the last page is whole and carries the flag "end of stream". */
static bool ogg_ends_early(const tb_audio_io *io, int64_t start)
{
    uint8_t tail[SCAN_BYTES + 1024]; /* a page has 65,307 bytes at most */
    int64_t from = io->size_bytes - (int64_t)sizeof tail;
    if (from < start) from = start;
    const int64_t count = tb_audio_io_read_fully(io, from, tail, sizeof tail);
    for (int64_t i = count - 27; i >= 0; i--) {
        if (memcmp(tail + i, "OggS", 4) != 0) continue;
        const int n_segments = tail[i + 26];
        int64_t end = i + 27 + n_segments;
        if (end > count) return true;
        for (int k = 0; k < n_segments; k++) end += tail[i + 27 + k];
        return end > count || (tail[i + 5] & 4) == 0;
    }
    return true;
}

/* MP3: the Xing or Info header of the first frame says how many bytes follow. */
static bool mp3_ends_early(const tb_audio_io *io, int64_t start)
{
    uint8_t p[256];
    mpeg_frame frame;
    if (tb_audio_io_read_fully(io, start, p, sizeof p) != (int64_t)sizeof p) return false;
    if (!parse_mpeg_frame(p, &frame)) return false;
    const bool version_1 = (p[1] & 0x08) != 0, mono = (p[3] & 0xc0) == 0xc0;
    const size_t at = 4 + (size_t)(version_1 ? (mono ? 17 : 32) : (mono ? 9 : 17));
    if (memcmp(p + at, "Xing", 4) != 0 && memcmp(p + at, "Info", 4) != 0) return false;
    const uint32_t flags = get_be32(p + at + 4);
    if ((flags & 2) == 0) return false;
    const uint32_t size = get_be32(p + at + 8 + ((flags & 1) != 0 ? 4 : 0));
    return (int64_t)size > io->size_bytes - start;
}

bool tb__sniff_ends_early(const tb_audio_io *io, const tb_sniff *sniff)
{
    const char *demuxer = sniff->demuxer ? sniff->demuxer : "";
    uint8_t form[4] = {0};
    if (strcmp(demuxer, "wav") == 0) {
        (void)tb_audio_io_read_fully(io, sniff->start, form, sizeof form);
        return chunks_end_early(io, sniff->start, "data", memcmp(form, "RIFX", 4) == 0);
    }
    if (strcmp(demuxer, "aiff") == 0) return chunks_end_early(io, sniff->start, "SSND", true);
    if (strcmp(demuxer, "mov") == 0) return boxes_end_early(io, sniff->start);
    if (strcmp(demuxer, "ogg") == 0) return ogg_ends_early(io, sniff->start);
    if (strcmp(demuxer, "mp3") == 0) return mp3_ends_early(io, sniff->start);
    return false;
}
