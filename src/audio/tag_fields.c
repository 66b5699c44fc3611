// SPDX-License-Identifier: MIT
/* Small readers, one per system of tags.  Each works on a span of bytes that is checked at every step; what
 * does not fit ends the search. */
#include "audio/tag_fields.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ITEMS = 10000 };

typedef struct span {
    const uint8_t *at;
    size_t size;
} span;

/* One field of tb_tag_fields and its names in each system. */
typedef struct field_row {
    size_t offset, capacity;
    const char *id3, *id3_short, *comment, *comment_2, *mp4, *riff, *aiff;
} field_row;

#define FIELD(member) offsetof(tb_tag_fields, member), sizeof((tb_tag_fields *)0)->member

static const field_row fields[] = {
    {FIELD(title), "TIT2", "TT2", "TITLE", "", "\xa9nam", "INAM", "NAME"},
    {FIELD(artist), "TPE1", "TP1", "ARTIST", "", "\xa9""ART", "IART", "AUTH"},
    {FIELD(album), "TALB", "TAL", "ALBUM", "", "\xa9""alb", "IPRD", ""},
    {FIELD(album_artist), "TPE2", "TP2", "ALBUMARTIST", "", "aART", "", ""},
    {FIELD(composer), "TCOM", "TCM", "COMPOSER", "", "\xa9wrt", "IMUS", ""},
    {FIELD(genre), "", "", "GENRE", "", "\xa9gen", "IGNR", ""},
    {FIELD(comment), "", "", "COMMENT", "DESCRIPTION", "\xa9""cmt", "ICMT", "ANNO"},
    {FIELD(year), "TDRC", "TYE", "DATE", "YEAR", "\xa9""day", "ICRD", ""},
    {FIELD(year), "TYER", "", "", "", "", "", ""},
    {FIELD(track), "TRCK", "TRK", "TRACKNUMBER", "TRACK", "trkn", "ITRK", ""},
    {FIELD(disc), "TPOS", "TPA", "DISCNUMBER", "DISC", "disk", "", ""},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool take(span *from, size_t size, span *part)
{
    if (size > from->size) return false;
    *part = (span){from->at, size};
    from->at += size;
    from->size -= size;
    return true;
}

static bool is_named(const uint8_t *bytes, const char *name, size_t size)
{
    return strlen(name) == size && memcmp(bytes, name, size) == 0;
}

/* The first value that is found for a field stays. */
static void set_field(tb_tag_fields *found, const field_row *field, const uint8_t *text, size_t size)
{
    char *out = (char *)found + field->offset;
    if (*out) return;
    size_t n = 0;
    while (n < size && n + 1 < field->capacity && text[n]) {
        out[n] = (char)text[n];
        n++;
    }
    out[n] = '\0';
}

/* --- ID3v2 (id3.org: ID3v2.2, 2.3, 2.4) --- */

/* UTF-16 to UTF-8; surrogates that stand alone become U+FFFD. */
static size_t utf16_to_utf8(span text, bool big_endian, uint8_t *out, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < text.size && n + 4 <= capacity; i += 2) {
        uint32_t c = big_endian ? (uint32_t)(text.at[i] << 8 | text.at[i + 1])
                                : (uint32_t)(text.at[i + 1] << 8 | text.at[i]);
        if (c == 0) break;
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < text.size) {
            const uint32_t low = big_endian ? (uint32_t)(text.at[i + 2] << 8 | text.at[i + 3])
                                            : (uint32_t)(text.at[i + 3] << 8 | text.at[i + 2]);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
        if (c < 0x80) {
            out[n++] = (uint8_t)c;
        } else if (c < 0x800) {
            out[n++] = (uint8_t)(0xc0 | c >> 6);
            out[n++] = (uint8_t)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            out[n++] = (uint8_t)(0xe0 | c >> 12);
            out[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            out[n++] = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            out[n++] = (uint8_t)(0xf0 | c >> 18);
            out[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            out[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            out[n++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    return n;
}

static size_t latin1_to_utf8(span text, uint8_t *out, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size && text.at[i] && n + 2 <= capacity; i++) {
        const uint8_t c = text.at[i];
        if (c < 0x80) {
            out[n++] = c;
        } else {
            out[n++] = (uint8_t)(0xc0 | c >> 6);
            out[n++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    return n;
}

/* A text frame: one byte for the encoding, then the text. */
static void set_id3_text(tb_tag_fields *found, const field_row *field, span frame)
{
    enum { LATIN1, UTF16, UTF16_BE, UTF8 };
    uint8_t text[TB_TAG_FIELD_BYTES];
    size_t n = 0;
    if (frame.size < 2) return;
    const int encoding = frame.at[0];
    span body = {frame.at + 1, frame.size - 1};
    if (encoding == LATIN1) {
        n = latin1_to_utf8(body, text, sizeof text);
    } else if (encoding == UTF16 && body.size >= 2) {
        const bool big_endian = body.at[0] == 0xfe && body.at[1] == 0xff;
        if (big_endian || (body.at[0] == 0xff && body.at[1] == 0xfe))
            body = (span){body.at + 2, body.size - 2};
        n = utf16_to_utf8(body, big_endian, text, sizeof text);
    } else if (encoding == UTF16_BE) {
        n = utf16_to_utf8(body, true, text, sizeof text);
    } else if (encoding == UTF8) {
        n = body.size < sizeof text ? body.size : sizeof text;
        memcpy(text, body.at, n);
    }
    set_field(found, field, text, n);
}

static uint32_t get_synchsafe(const uint8_t *p)
{
    return (uint32_t)(p[0] & 0x7f) << 21 | (uint32_t)(p[1] & 0x7f) << 14 | (uint32_t)(p[2] & 0x7f) << 7 |
           (p[3] & 0x7f);
}

static void read_id3_frames(span tag, int version, tb_tag_fields *found)
{
    const size_t name_size = version == 2 ? 3 : 4, head_size = version == 2 ? 6 : 10;
    for (int n = 0; n < MAX_ITEMS; n++) {
        span head, frame;
        if (!take(&tag, head_size, &head) || head.at[0] == 0) return;
        const size_t size = version == 2   ? (size_t)head.at[3] << 16 | (size_t)head.at[4] << 8 | head.at[5]
                            : version == 4 ? get_synchsafe(head.at + 4)
                                           : get_be32(head.at + 4);
        if (!take(&tag, size, &frame)) return;
        /* compressed or encrypted frames are not text; in 2.4 a frame may begin with its length */
        const int flags = version == 2 ? 0 : head.at[9];
        if (version == 3 && (flags & 0xc0) != 0) continue;
        if (version == 4 && (flags & 0x0c) != 0) continue;
        const uint8_t *name = head.at;
        if (version == 4 && (flags & 0x01) != 0 && !take(&frame, 4, &head)) continue;
        for (size_t i = 0; i < N_FIELDS; i++)
            if (is_named(name, version == 2 ? fields[i].id3_short : fields[i].id3, name_size))
                set_id3_text(found, &fields[i], frame);
    }
}

static void read_id3(span bytes, tb_tag_fields *found)
{
    span head, tag, part;
    if (!take(&bytes, 10, &head) || memcmp(head.at, "ID3", 3) != 0) return;
    const int version = head.at[3], flags = head.at[5];
    size_t size = get_synchsafe(head.at + 6);
    if (version < 2 || version > 4) return;
    if (size > bytes.size) size = bytes.size;
    if (!take(&bytes, size, &tag)) return;
    uint8_t *plain = NULL;
    if ((flags & 0x80) != 0 && version < 4) { /* unsynchronised as a whole: FF 00 stands for FF */
        plain = tb_alloc(size, 1);
        if (!plain) return;
        size_t n = 0;
        for (size_t i = 0; i < size; i++) {
            plain[n++] = tag.at[i];
            if (tag.at[i] == 0xff && i + 1 < size && tag.at[i + 1] == 0) i++;
        }
        tag = (span){plain, n};
    }
    if ((flags & 0x40) != 0 && version > 2 && tag.size >= 4) { /* extended header */
        const size_t extended = version == 4 ? get_synchsafe(tag.at) : (size_t)get_be32(tag.at) + 4;
        if (!take(&tag, extended, &part)) tag.size = 0;
    }
    read_id3_frames(tag, version, found);
    tb_free(plain);
}

/* --- Vorbis comments --- */

/* "ALBUM ARTIST" and "album_artist" are spellings of ALBUMARTIST. */
static void set_comment(tb_tag_fields *found, const uint8_t *name, size_t name_size, const uint8_t *text,
                        size_t size)
{
    char key[16];
    size_t n = 0;
    for (size_t i = 0; i < name_size; i++) {
        if (name[i] == ' ' || name[i] == '_') continue;
        if (n + 1 == sizeof key) return;
        key[n++] = (char)name[i];
    }
    key[n] = '\0';
    if (n == 0) return;
    for (size_t i = 0; i < N_FIELDS; i++)
        if (tb_text_equal_nocase(key, fields[i].comment) || tb_text_equal_nocase(key, fields[i].comment_2))
            set_field(found, &fields[i], text, size);
}

/* vendor, number of comments, then "NAME=value" each; all with 32-bit little-endian lengths */
static void read_comments(span bytes, tb_tag_fields *found)
{
    span head, part;
    if (!take(&bytes, 4, &head) || !take(&bytes, get_le32(head.at), &part) || !take(&bytes, 4, &head)) return;
    const uint32_t n_comments = get_le32(head.at);
    for (uint32_t n = 0; n < n_comments && n < MAX_ITEMS; n++) {
        if (!take(&bytes, 4, &head) || !take(&bytes, get_le32(head.at), &part)) return;
        const uint8_t *equals = part.size > 0 ? memchr(part.at, '=', part.size < 32 ? part.size : 32) : NULL;
        if (!equals) continue;
        const size_t name_size = (size_t)(equals - part.at);
        set_comment(found, part.at, name_size, equals + 1, part.size - name_size - 1);
    }
}

static void read_flac(span bytes, tb_tag_fields *found)
{
    enum { COMMENTS = 4 };
    span head, block;
    if (!take(&bytes, 4, &head)) return;
    while (take(&bytes, 4, &head)) {
        const size_t size = (size_t)head.at[1] << 16 | (size_t)head.at[2] << 8 | head.at[3];
        if (!take(&bytes, size, &block)) return;
        if ((head.at[0] & 0x7f) == COMMENTS) read_comments(block, found);
        if ((head.at[0] & 0x80) != 0) return;
    }
}

/* The second packet of the first stream, put together from its pages (RFC 3533). */
static void read_ogg(span bytes, tb_tag_fields *found)
{
    uint8_t *packet = tb_alloc(bytes.size, 1);
    size_t n = 0;
    int n_packets = 0;
    if (!packet) return;
    while (n_packets < 2) {
        span head, lengths, body;
        if (!take(&bytes, 27, &head) || memcmp(head.at, "OggS", 4) != 0) break;
        if (!take(&bytes, head.at[26], &lengths)) break;
        for (size_t i = 0; i < lengths.size && n_packets < 2; i++) {
            if (!take(&bytes, lengths.at[i], &body)) goto whole;
            if (n_packets == 1) {
                memcpy(packet + n, body.at, body.size);
                n += body.size;
            }
            if (lengths.at[i] < 255) n_packets++;
        }
    }
whole:
    if (n > 7 && memcmp(packet, "\x03vorbis", 7) == 0) read_comments((span){packet + 7, n - 7}, found);
    else if (n > 8 && memcmp(packet, "OpusTags", 8) == 0) read_comments((span){packet + 8, n - 8}, found);
    else if (n > 4 && (packet[0] & 0x7f) == 4) read_comments((span){packet + 4, n - 4}, found); /* Ogg FLAC */
    tb_free(packet);
}

/* --- MP4 (ISO/IEC 14496-12; the list as iTunes writes it) --- */

/* The next box of `from`; its body.  False at the end. */
static bool next_box(span *from, char type[4], span *body)
{
    span head;
    if (!take(from, 8, &head)) return false;
    size_t size = get_be32(head.at);
    memcpy(type, head.at + 4, 4);
    if (size == 0) size = from->size + 8;
    if (size < 8) return false;
    if (size - 8 > from->size) size = from->size + 8;
    return take(from, size - 8, body);
}

static bool find_box(span from, const char *type, span *body)
{
    char name[4];
    for (int n = 0; n < MAX_ITEMS && next_box(&from, name, body); n++)
        if (memcmp(name, type, 4) == 0) return true;
    return false;
}

static void read_mp4(span bytes, tb_tag_fields *found)
{
    span box, item, data, head;
    char type[4];
    if (!find_box(bytes, "moov", &box) || !find_box(box, "udta", &box) || !find_box(box, "meta", &box))
        return;
    if (!take(&box, 4, &head) || !find_box(box, "ilst", &box)) return;
    for (int n = 0; n < MAX_ITEMS && next_box(&box, type, &item); n++) {
        for (size_t i = 0; i < N_FIELDS; i++) {
            if (!is_named((const uint8_t *)type, fields[i].mp4, 4) || !find_box(item, "data", &data) ||
                !take(&data, 8, &head))
                continue;
            if (memcmp(type, "disk", 4) == 0 || memcmp(type, "trkn", 4) == 0) { /* binary: 0, 0, number, … */
                char text[8];
                const int n_text =
                    data.size < 4 ? 0 : snprintf(text, sizeof text, "%d", data.at[2] << 8 | data.at[3]);
                set_field(found, &fields[i], (const uint8_t *)text, (size_t)n_text);
            } else {
                set_field(found, &fields[i], data.at, data.size);
            }
        }
    }
}

/* --- APE tags, version 2: at the end, or before an ID3v1 tag --- */

static void read_ape(span bytes, tb_tag_fields *found)
{
    enum { FOOTER = 32, ID3V1 = 128 };
    span head, value;
    if (bytes.size >= ID3V1 && memcmp(bytes.at + bytes.size - ID3V1, "TAG", 3) == 0) bytes.size -= ID3V1;
    if (bytes.size < FOOTER || memcmp(bytes.at + bytes.size - FOOTER, "APETAGEX", 8) != 0) return;
    const uint8_t *footer = bytes.at + bytes.size - FOOTER;
    const size_t size = get_le32(footer + 12), n_items = get_le32(footer + 16);
    if (size < FOOTER || size > bytes.size) return;
    span items = {bytes.at + bytes.size - size, size - FOOTER};
    for (size_t n = 0; n < n_items && n < MAX_ITEMS; n++) {
        if (!take(&items, 8, &head)) return;
        const uint8_t *end = items.size > 0 ? memchr(items.at, 0, items.size) : NULL;
        if (!end) return;
        const uint8_t *name = items.at;
        const size_t name_size = (size_t)(end - items.at);
        items.size -= name_size + 1;
        items.at = end + 1;
        if (!take(&items, get_le32(head.at), &value)) return;
        set_comment(found, name, name_size, value.at, value.size);
    }
}

/* --- WAV and AIFF --- */

static bool is_aiff(const tb_sniff *sniff)
{
    return strcmp(sniff->demuxer, "aiff") == 0;
}

static bool next_chunk(span *from, bool big_endian, const uint8_t **name, span *body)
{
    span head;
    if (!take(from, 8, &head)) return false;
    size_t size = big_endian ? get_be32(head.at + 4) : get_le32(head.at + 4);
    if (size > from->size) size = from->size;
    *name = head.at;
    (void)take(from, size, body);
    if ((size & 1) != 0) (void)take(from, 1, &head);
    return true;
}

static void set_chunk(tb_tag_fields *found, bool aiff, const uint8_t *name, span body)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (is_named(name, aiff ? fields[i].aiff : fields[i].riff, 4))
            set_field(found, &fields[i], body.at, body.size);
}

static void read_chunks(span bytes, const tb_sniff *sniff, tb_tag_fields *found)
{
    span head, body, item;
    const uint8_t *name;
    if (!take(&bytes, 12, &head)) return;
    for (int n = 0; n < MAX_ITEMS && next_chunk(&bytes, is_aiff(sniff), &name, &body); n++) {
        if (is_aiff(sniff)) {
            set_chunk(found, true, name, body);
        } else if (is_named(name, "LIST", 4) && take(&body, 4, &head) && is_named(head.at, "INFO", 4)) {
            for (int k = 0; k < MAX_ITEMS && next_chunk(&body, false, &name, &item); k++)
                set_chunk(found, false, name, item);
        }
    }
}

bool tb__tag_fields_find_id3(const uint8_t *bytes, size_t size, const tb_sniff *sniff, const uint8_t **chunk,
                             size_t *chunk_size)
{
    span rest = {bytes, size}, head, body;
    const uint8_t *name;
    if (!take(&rest, 12, &head)) return false;
    for (int n = 0; n < MAX_ITEMS && next_chunk(&rest, is_aiff(sniff), &name, &body); n++) {
        if (!is_named(name, "id3 ", 4) && !is_named(name, "ID3 ", 4)) continue;
        *chunk = body.at;
        *chunk_size = body.size;
        return true;
    }
    return false;
}

void tb__tag_fields_read(const uint8_t *bytes, size_t size, const tb_sniff *sniff, tb_tag_fields *found)
{
    *found = (tb_tag_fields){0};
    const span all = {bytes, size};
    span id3 = all;
    const char *kind = sniff->demuxer ? sniff->demuxer : "";
    if (strcmp(kind, "flac") == 0) {
        read_flac(all, found);
    } else if (strcmp(kind, "ogg") == 0) {
        read_ogg(all, found);
    } else if (strcmp(kind, "mov") == 0) {
        read_mp4(all, found);
    } else if (strcmp(kind, "wav") == 0 || strcmp(kind, "aiff") == 0) {
        if (tb__tag_fields_find_id3(bytes, size, sniff, &id3.at, &id3.size)) read_id3(id3, found);
        read_chunks(all, sniff, found);
    } else {
        read_id3(all, found);
        read_ape(all, found);
    }
}
