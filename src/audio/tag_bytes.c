// SPDX-License-Identifier: MIT
/* Copies of audio files without their audio, one way per family of containers. */
#include "audio/tag_bytes.h"

#include <errno.h>
#include <string.h>

enum {
    MAX_PARTS = 2000,                  /* chunks, boxes or blocks of one file */
    MAX_PART_BYTES = 8 * 1024 * 1024,  /* a longer one is left out: no text is that long */
    AUDIO_BYTES = 64 * 1024,           /* of audio behind a tag, for parsers that want to see some */
    TAIL_BYTES = 4096,                 /* where the footer of a tag at the end is looked for */
};

typedef struct gatherer {
    const tb_audio_io *io;
    tb_buffer *out;
    tb_error *err;
} gatherer;

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put_u32(uint8_t *p, uint32_t value, bool big_endian)
{
    for (int i = 0; i < 4; i++) p[big_endian ? 3 - i : i] = (uint8_t)(value >> (8 * i));
}

static bool peek(const gatherer *g, int64_t at, void *bytes, size_t size)
{
    return tb_audio_io_read_fully(g->io, at, bytes, size) == (int64_t)size;
}

/* What there is of that range, up to the limit of the buffer. */
static tb_status copy_range(const gatherer *g, int64_t at, int64_t size)
{
    tb_status status = TB_OK;
    const int64_t room = (int64_t)(g->out->limit - g->out->size);
    if (size > g->io->size_bytes - at) size = g->io->size_bytes - at;
    if (size > room) size = room;
    if (size <= 0) return TB_OK;
    if (tb_buffer_reserve(g->out, (size_t)size) != TB_OK)
        TB_FAIL(g->err, TB_NO_MEMORY, "no memory to read the tags");
    const int64_t count = tb_audio_io_read_fully(g->io, at, g->out->bytes + g->out->size, (size_t)size);
    if (count < 0) {
        status = tb_error_errno(g->err, errno, "reading the tags");
        goto out;
    }
    g->out->size += (size_t)count;
    g->out->bytes[g->out->size] = '\0';
out:
    return status;
}

/* RIFF, RF64 (as RIFF) and AIFF: all chunks but the audio. */
static tb_status gather_chunks(const gatherer *g, int64_t start, const char *audio_chunk, bool big_endian)
{
    tb_status status = TB_OK;
    uint8_t head[8];
    const size_t begin = g->out->size;
    int64_t at = start + 12;
    TB_TRY(copy_range(g, start, 12));
    if (g->out->size - begin < 12) goto out;
    if (!big_endian) memcpy(g->out->bytes + begin, "RIFF", 4);
    for (int n = 0; n < MAX_PARTS && peek(g, at, head, sizeof head); n++) {
        const uint32_t size = big_endian ? get_be32(head + 4) : get_le32(head + 4);
        const int64_t whole = 8 + (int64_t)size + (size & 1);
        if (memcmp(head, audio_chunk, 4) != 0 && size <= MAX_PART_BYTES) TB_TRY(copy_range(g, at, whole));
        at += whole;
    }
    put_u32((uint8_t *)g->out->bytes + begin + 4, (uint32_t)(g->out->size - begin - 8), big_endian);
out:
    return status;
}

/* MP4: all top-level boxes but the audio. */
static tb_status gather_boxes(const gatherer *g, int64_t start)
{
    tb_status status = TB_OK;
    uint8_t head[16];
    int64_t at = start;
    for (int n = 0; n < MAX_PARTS && peek(g, at, head, sizeof head); n++) {
        uint64_t size = get_be32(head);
        if (size == 1) size = (uint64_t)get_be32(head + 8) << 32 | get_be32(head + 12);
        if (size == 0) size = (uint64_t)(g->io->size_bytes - at);
        if (size < 8 || size > (uint64_t)INT64_MAX - (uint64_t)at) break;
        if (memcmp(head + 4, "ftyp", 4) == 0 || memcmp(head + 4, "moov", 4) == 0 ||
            memcmp(head + 4, "meta", 4) == 0)
            TB_TRY(copy_range(g, at, (int64_t)size));
        at += (int64_t)size;
    }
out:
    return status;
}

/* FLAC: the stream's description and the comments; pictures and seek tables stay behind. */
static tb_status gather_flac(const gatherer *g, int64_t start)
{
    enum { STREAMINFO = 0, COMMENTS = 4 };
    tb_status status = TB_OK;
    uint8_t head[4];
    int64_t at = start + 4;
    size_t last = 0;
    TB_TRY(copy_range(g, start, 4));
    for (int n = 0; n < MAX_PARTS && peek(g, at, head, sizeof head); n++) {
        const int type = head[0] & 0x7f;
        const int64_t size = (int64_t)head[1] << 16 | (int64_t)head[2] << 8 | head[3];
        if ((type == STREAMINFO || type == COMMENTS) && size <= MAX_PART_BYTES) {
            last = g->out->size;
            TB_TRY(copy_range(g, at, 4 + size));
            if (last < g->out->size) g->out->bytes[last] = (char)type;
        }
        at += 4 + size;
        if ((head[0] & 0x80) != 0) break;
    }
    if (last > 0 && last < g->out->size) g->out->bytes[last] = (char)(g->out->bytes[last] | 0x80);
    TB_TRY(copy_range(g, at, AUDIO_BYTES));
out:
    return status;
}

/* Ogg: the pages of the first three packets, where the second holds the comments. */
static tb_status gather_ogg(const gatherer *g, int64_t start)
{
    uint8_t head[27 + 255];
    int64_t at = start;
    int n_packets = 0;
    for (int n = 0; n < MAX_PARTS && n_packets < 3 && at - start < MAX_PART_BYTES; n++) {
        const int64_t count = tb_audio_io_read_fully(g->io, at, head, sizeof head);
        if (count < 27 || memcmp(head, "OggS", 4) != 0 || count < 27 + head[26]) break;
        at += 27 + head[26];
        for (int i = 0; i < head[26]; i++) {
            at += head[27 + i];
            n_packets += head[27 + i] < 255;
        }
    }
    return copy_range(g, start, at - start);
}

/* Where the tags at the end begin: an APE tag, an ID3v1 tag, or both. */
static int64_t find_tail(const gatherer *g)
{
    uint8_t tail[TAIL_BYTES];
    int64_t at = g->io->size_bytes - TAIL_BYTES;
    if (at < 0) at = 0;
    const int64_t count = tb_audio_io_read_fully(g->io, at, tail, sizeof tail);
    for (int64_t i = count - 32; i >= 0; i--) {
        if (memcmp(tail + i, "APETAGEX", 8) != 0) continue;
        const int64_t begin =
            at + i - (int64_t)get_le32(tail + i + 12); /* its size counts the footer, not the header */
        return begin > 0 && at + i - begin <= MAX_PART_BYTES ? begin : at;
    }
    return at;
}

tb_status tb__tag_bytes_gather(const tb_audio_io *io, const tb_sniff *sniff, tb_buffer *out, tb_error *err)
{
    tb_status status = TB_OK;
    const gatherer g = {io, out, err};
    const char *kind = sniff->demuxer ? sniff->demuxer : "";
    uint8_t head[24];
    if (strcmp(kind, "wav") == 0) return gather_chunks(&g, sniff->start, "data", false);
    if (strcmp(kind, "aiff") == 0) return gather_chunks(&g, sniff->start, "SSND", true);
    if (strcmp(kind, "mov") == 0) return gather_boxes(&g, sniff->start);
    if (strcmp(kind, "flac") == 0) return gather_flac(&g, sniff->start);
    if (strcmp(kind, "ogg") == 0) return gather_ogg(&g, sniff->start);
    if (strcmp(kind, "asf") == 0) /* all that is known about the streams is in the first object */
        return peek(&g, 0, head, sizeof head) ? copy_range(&g, 0, (int64_t)get_le32(head + 16) + AUDIO_BYTES)
                                              : TB_OK;

    /* MP3 and its kin have tags in front (ID3v2), at the end (APE, ID3v1) or both. */
    int64_t front = sniff->start > MAX_PART_BYTES ? MAX_PART_BYTES : sniff->start + AUDIO_BYTES;
    if (front > io->size_bytes) front = io->size_bytes;
    int64_t tail = find_tail(&g);
    if (tail < front) tail = front;
    TB_TRY(copy_range(&g, 0, front));
    TB_TRY(copy_range(&g, tail, io->size_bytes - tail));
out:
    return status;
}
