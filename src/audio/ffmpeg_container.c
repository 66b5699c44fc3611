// SPDX-License-Identifier: MIT
/* Containers opened by libavformat with everything switched off that reaches beyond the given bytes. */
#include "audio/ffmpeg_container.h"

#include "base/log.h"

#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/opt.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { AVIO_BYTES = 32 * 1024, PROBE_BYTES = 1024 * 1024, MAX_STREAMS = 64 };

const char tb_ffmpeg_codecs[] =
    "aac,aac_latm,aac_fixed,alac,mp4als,ac3,eac3,truehd,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3float,flac,"
    "opus,vorbis,libopus,libvorbis,libspeex,speex,wmav1,wmav2,wmapro,wmalossless,wmavoice,wavpack,ape,mpc7,"
    "mpc8,tta,tak,dca,dsd_lsbf,dsd_msbf,dsd_lsbf_planar,dsd_msbf_planar,amrnb,amrwb,qdm2,qdmc,mace3,mace6,"
    "qcelp,gsm,gsm_ms,pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,"
    "pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_g726,"
    "adpcm_yamaha";

static void log_message(void *context, int level, const char *format, va_list arguments)
{
    (void)context;
    if (level > AV_LOG_WARNING || !tb_log_enabled(TB_LOG_DEBUG)) return;
    char text[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(text, sizeof text, format, arguments);
#pragma GCC diagnostic pop
    text[strcspn(text, "\n")] = '\0';
    tb_log(TB_LOG_DEBUG, "audio", "FFmpeg: %s", text);
}

static void set_log(void)
{
    av_log_set_callback(log_message);
}

static int read_bytes(void *opaque, uint8_t *bytes, int size)
{
    const size_t count = size > 0 ? tb_input_read(opaque, bytes, (size_t)size) : 0;
    return count > 0 ? (int)count : AVERROR_EOF;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    tb_input *input = opaque;
    if ((whence & AVSEEK_SIZE) != 0) return input->size;
    whence &= ~AVSEEK_FORCE;
    const int64_t position = tb_input_seek(input, offset, whence);
    return position < 0 ? AVERROR(EINVAL) : position;
}

static int refuse_open(AVFormatContext *format, AVIOContext **avio, const char *url, int flags,
                       AVDictionary **options)
{
    (void)format;
    (void)avio;
    (void)url;
    (void)flags;
    (void)options;
    return AVERROR(EACCES);
}

tb_status tb__ffmpeg_container_open(tb_input *input, const tb_sniff *sniff, const char *name,
                                    tb_ffmpeg_container *container, tb_error *err)
{
    static pthread_once_t log_once = PTHREAD_ONCE_INIT;
    tb_status status = TB_OK;
    tb_ffmpeg_container made = {0};
    AVDictionary *options = NULL;
    pthread_once(&log_once, set_log);
    unsigned char *buffer = av_malloc(AVIO_BYTES);
    if (!buffer) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    made.avio = avio_alloc_context(buffer, AVIO_BYTES, 0, input, read_bytes, NULL, seek_bytes);
    if (!made.avio) {
        av_free(buffer);
        TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    }
    made.format = avformat_alloc_context();
    if (!made.format) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    const AVInputFormat *demuxer = av_find_input_format(sniff->demuxer);
    if (!demuxer)
        TB_FAIL(err, TB_UNSUPPORTED, "%s is %s, which this FFmpeg was built without", name, sniff->name);
    made.format->pb = made.avio;
    made.format->flags |= AVFMT_FLAG_CUSTOM_IO;
    made.format->io_open = refuse_open;
    av_dict_set_int(&options, "probesize", PROBE_BYTES, 0);
    av_dict_set_int(&options, "analyzeduration", 2 * AV_TIME_BASE, 0);
    av_dict_set_int(&options, "max_streams", MAX_STREAMS, 0);
    av_dict_set(&options, "codec_whitelist", tb_ffmpeg_codecs, 0);
    av_dict_set(&options, "format_whitelist", demuxer->name, 0);
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    /* on failure this frees the context and sets it to NULL */
    if (avformat_open_input(&made.format, NULL, demuxer, &options) < 0)
        TB_FAIL(err, TB_CORRUPT, "%s is a damaged or incomplete %s file", name, sniff->name);
    *container = made;
    made = (tb_ffmpeg_container){0};
out:
    tb__ffmpeg_container_close(&made);
    av_dict_free(&options);
    return status;
}

void tb__ffmpeg_container_close(tb_ffmpeg_container *container)
{
    avformat_close_input(&container->format);
    if (container->avio) av_freep(&container->avio->buffer);
    avio_context_free(&container->avio);
}

static void set_field(const AVDictionary *metadata, const char *key, char *out, size_t capacity)
{
    const AVDictionaryEntry *entry = av_dict_get(metadata, key, NULL, 0);
    if (entry && !*out) snprintf(out, capacity, "%s", entry->value);
}

void tb__ffmpeg_container_read_tags(const tb_ffmpeg_container *container, tb_tag_fields *found)
{
    const AVDictionary *metadata = container->format->metadata;
    set_field(metadata, "title", found->title, sizeof found->title);
    set_field(metadata, "artist", found->artist, sizeof found->artist);
    set_field(metadata, "album", found->album, sizeof found->album);
    set_field(metadata, "album_artist", found->album_artist, sizeof found->album_artist);
    set_field(metadata, "composer", found->composer, sizeof found->composer);
    set_field(metadata, "genre", found->genre, sizeof found->genre);
    set_field(metadata, "comment", found->comment, sizeof found->comment);
    set_field(metadata, "date", found->year, sizeof found->year);
    set_field(metadata, "track", found->track, sizeof found->track);
    set_field(metadata, "disc", found->disc, sizeof found->disc);
}
