// SPDX-License-Identifier: MIT
/* Pages as in RFC 3533, section 6; headers as in the Vorbis I specification, section 4.2. */
#include "audio/ogg_headers.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_HEAD = 27, MAX_PAGE = 27 + 255 + 255 * 255, MAX_PAGES = 2000 };

typedef struct page {
    uint8_t bytes[MAX_PAGE];
    size_t head_size, size; /* of head and segment table; of all */
    uint32_t serial, number;
} page;

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* CRC-32 with polynomial 0x04c11db7, high bit first, over the page with its checksum taken as 0. */
static uint32_t checksum(const page *p)
{
    uint32_t table[256], crc = 0;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i << 24;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] << 1 ^ ((table[i] >> 31) != 0 ? 0x04c11db7u : 0);
    }
    for (size_t i = 0; i < p->size; i++)
        crc = crc << 8 ^ table[crc >> 24 ^ (i >= 22 && i < 26 ? 0u : p->bytes[i])];
    return crc;
}

static bool read_page(tb_input *input, page *p)
{
    if (tb_input_read(input, p->bytes, PAGE_HEAD) != PAGE_HEAD) return false;
    if (memcmp(p->bytes, "OggS", 4) != 0 || p->bytes[4] != 0) return false;
    const size_t n_segments = p->bytes[26];
    p->head_size = p->size = PAGE_HEAD + n_segments;
    if (tb_input_read(input, p->bytes + PAGE_HEAD, n_segments) != n_segments) return false;
    for (size_t i = PAGE_HEAD; i < p->head_size; i++) p->size += p->bytes[i];
    const size_t n_body = p->size - p->head_size;
    if (tb_input_read(input, p->bytes + p->head_size, n_body) != n_body) return false;
    p->serial = get_le32(p->bytes + 14);
    p->number = get_le32(p->bytes + 18);
    return checksum(p) == get_le32(p->bytes + 22);
}

static bool is_identification(const uint8_t *packet, size_t size)
{
    if (size != 30 || memcmp(packet, "\x01vorbis", 7) != 0) return false;
    const int block_0 = packet[28] & 15, block_1 = packet[28] >> 4;
    return get_le32(packet + 7) == 0 && packet[11] > 0 && get_le32(packet + 12) > 0 && block_0 >= 6 &&
           block_0 <= block_1 && block_1 <= 13 && (packet[29] & 1) != 0;
}

static bool check_headers(tb_input *input)
{
    page p;
    int n_packets = 0;         /* that are complete */
    bool starts_packet = true; /* the next byte of the stream is the first of a packet */
    uint32_t serial = 0;
    for (uint32_t n = 0; n < MAX_PAGES && n_packets < 3; n++) {
        if (!read_page(input, &p)) return false;
        if (n == 0) {
            serial = p.serial;
            if ((p.bytes[5] & 2) == 0 || p.bytes[26] != 1)
                return false; /* begins the stream, with one packet */
            if (!is_identification(p.bytes + p.head_size, p.size - p.head_size)) return false;
        }
        if (p.serial != serial || p.number != n || (p.bytes[5] & 1) != (starts_packet ? 0 : 1)) return false;
        size_t from = p.head_size;
        for (size_t i = PAGE_HEAD; i < p.head_size && n_packets < 3; i++) {
            static const char *const names[] = {"\x01vorbis", "\x03vorbis", "\x05vorbis"};
            if (starts_packet && (p.bytes[i] < 7 || memcmp(p.bytes + from, names[n_packets], 7) != 0))
                return false;
            from += p.bytes[i];
            starts_packet = p.bytes[i] < 255;
            n_packets += starts_packet;
        }
    }
    return n_packets == 3;
}

bool tb__ogg_vorbis_headers_ok(tb_input *input)
{
    (void)tb_input_seek(input, 0, SEEK_SET);
    const bool ok = check_headers(input);
    (void)tb_input_seek(input, 0, SEEK_SET);
    return ok;
}
