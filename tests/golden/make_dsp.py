#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/dsp/*.bin: what librosa gives for the signals of tests/unit/dsp/dsp_signals.c.

Run it with librosa 0.10.2.post1 (the files hold the versions that were used):

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install librosa==0.10.2.post1
    /tmp/golden/bin/python tests/golden/make_dsp.py

The signals are synthesised here and in C alike, rounded to float32 and analysed in float64.  Each has a floor
of noise, so that no bin holds rounding errors alone.

A file is a run of arrays: a line "name rows columns", then rows * columns float32 in little-endian order.
"""

import functools
import importlib
import math
import pathlib

import librosa
import numpy as np
import scipy.signal

RATE, N_FFT, HOP = 22050, 2048, 512


# --- signals: the same formulas as in tests/unit/dsp/dsp_signals.c ----------------------------------------

def noise(n, seed):
    out = np.empty(n)
    state = seed
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state / 2**31 - 1
    return out


def tone():
    n = 33331
    t = np.arange(n) / RATE
    return 0.5 * np.sin(2 * np.pi * 440 * t) + 0.001 * noise(n, 1)


def chirp():
    n = 44101
    t = np.arange(n) / RATE
    return 0.4 * np.sin(2 * np.pi * (100 * t + 0.5 * 3950 * t * t)) + 0.001 * noise(n, 2)


def white():
    n = 20011
    return 0.3 * noise(n, 3)


def chords():
    """C F G Am, 0.75 s each, tuned to 445 Hz."""
    n = 66151
    semitones = [[-9, -5, -2], [-4, 0, 3], [-2, 2, 5], [0, 3, 7]]
    i = np.arange(n)
    which = np.minimum(i // 16537, 3)
    since = (i - which * 16537) / RATE
    out = 0.001 * noise(n, 4)
    for chord, notes in enumerate(semitones):
        at = which == chord
        for semitone in notes:
            hz = 445 * 2 ** (semitone / 12)
            for partial in range(1, 5):
                wave = np.sin(2 * np.pi * hz * partial * since)
                out += at * (0.15 / partial * np.exp(-2 * since) * wave)
    return out


def drums():
    """Kick, snare and hat at 128 beats per minute, 12 s."""
    n = 264601
    rattle = noise(n, 5)
    out = 0.001 * noise(n, 6)
    beat = 60 * RATE / 128
    for k in range(math.ceil(2 * n / beat)):
        start = math.floor(k * beat / 2)
        if start >= n:
            break
        i = np.arange(start, n)
        since = (i - start) / RATE
        if k % 2:
            sound = 0.1 * np.exp(-60 * since) * rattle[i]
        elif k % 4 == 2:
            sound = 0.3 * np.exp(-20 * since) * rattle[i]
        else:
            sound = 0.7 * np.exp(-15 * since) * np.sin(2 * np.pi * 60 * since)
        out[i] += sound
    return out


# --- features -----------------------------------------------------------------------------------------------

def features(y):
    """What every signal is tested by: name -> array of (frames, values)."""
    out = {}
    stft = librosa.stft(y, n_fft=N_FFT, hop_length=HOP)
    magnitude, power = np.abs(stft), np.abs(stft) ** 2
    out["power_every_16"] = power.T[::16]
    hamming = librosa.stft(y, n_fft=1024, hop_length=300, win_length=800, window="hamming",
                           pad_mode="reflect")
    out["hamming_reflect_every_40"] = (np.abs(hamming) ** 2).T[::40]
    blackman = librosa.stft(y, n_fft=512, hop_length=700, window="blackman", center=False)
    out["blackman_not_centred_every_20"] = (np.abs(blackman) ** 2).T[::20]
    mel = librosa.feature.melspectrogram(S=power, sr=RATE)
    out["mel_db_every_8"] = librosa.power_to_db(mel, top_db=None).T[::8]
    out["mel_every_8"] = mel.T[::8]
    htk = librosa.feature.melspectrogram(S=power, sr=RATE, n_mels=40, fmin=50, fmax=8000, htk=True, norm=None)
    out["mel_htk_every_8"] = htk.T[::8]
    out["mfcc"] = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=20).T
    chroma = librosa.feature.chroma_stft(S=power, sr=RATE, tuning=0.0)
    out["chroma"] = chroma.T
    out["tonnetz"] = librosa.feature.tonnetz(chroma=chroma).T
    tuning = librosa.estimate_tuning(S=power, sr=RATE, n_fft=N_FFT)
    out["tuning"] = np.array([[tuning]])
    out["chroma_tuned_every_4"] = librosa.feature.chroma_stft(S=power, sr=RATE).T[::4]
    out["chroma_24_every_8"] = librosa.feature.chroma_stft(S=power, sr=RATE, tuning=0.3, n_chroma=24).T[::8]
    out["centroid"] = librosa.feature.spectral_centroid(S=magnitude, sr=RATE).T
    out["bandwidth"] = librosa.feature.spectral_bandwidth(S=magnitude, sr=RATE).T
    out["rolloff"] = librosa.feature.spectral_rolloff(S=magnitude, sr=RATE).T
    out["flatness"] = librosa.feature.spectral_flatness(S=magnitude).T
    out["contrast"] = librosa.feature.spectral_contrast(S=magnitude, sr=RATE).T
    out["rms"] = librosa.feature.rms(y=y, frame_length=N_FFT, hop_length=HOP, pad_mode="constant").T
    out["zero_crossings"] = librosa.feature.zero_crossing_rate(y, frame_length=N_FFT, hop_length=HOP).T
    strength = librosa.onset.onset_strength(y=y, sr=RATE)
    out["onset"] = strength[:, None]
    superflux = librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=RATE, lag=2, max_size=3)
    out["onset_lag_2_max_3"] = superflux[:, None]
    peaks = librosa.onset.onset_detect(onset_envelope=strength, sr=RATE)
    out["onset_frames"] = np.array(peaks, dtype=float)[:, None]
    return out


def rhythm(y):
    """Only for the drums: the rest would be large."""
    out = {}
    strength = librosa.onset.onset_strength(y=y, sr=RATE)
    window = librosa.time_to_frames(8.0, sr=RATE, hop_length=HOP).item()
    tempogram = librosa.feature.tempogram(onset_envelope=strength, sr=RATE, win_length=window)
    out["onset"] = strength[:, None]
    peaks = librosa.onset.onset_detect(onset_envelope=strength, sr=RATE)
    out["onset_frames"] = np.array(peaks, dtype=float)[:, None]
    out["tempogram_every_100"] = tempogram.T[::100]
    out["tempogram_mean"] = tempogram.mean(axis=1)[None, :]
    out["tempo"] = librosa.feature.tempo(onset_envelope=strength, sr=RATE)[:, None]
    slow = librosa.feature.tempo(onset_envelope=strength, sr=RATE, start_bpm=60, std_bpm=0.5)
    out["tempo_prior_60"] = slow[:, None]
    return out


def windows():
    names = {"hann": "hann", "hamming": "hamming", "blackman": "blackman", "rectangular": "boxcar"}
    return {f"{name}_{n}": scipy.signal.get_window(scipy_name, n, fftbins=True)[None, :]
            for name, scipy_name in names.items() for n in (7, 64)}


def write(path, arrays):
    with open(path, "wb") as file:
        for name, array in arrays.items():
            array = np.asarray(array, dtype=np.float64)
            assert array.ndim == 2 and np.isfinite(array).all(), name
            file.write(f"{name} {array.shape[0]} {array.shape[1]}\n".encode())
            file.write(array.astype("<f4").tobytes())


def main():
    # A stream does not know the maximum of the clip, so contrast is compared without the cut at 80 dB below.
    plain = functools.partial(librosa.power_to_db, top_db=None)
    importlib.import_module("librosa.feature.spectral").power_to_db = plain
    folder = pathlib.Path(__file__).parent / "dsp"
    folder.mkdir(exist_ok=True)
    for signal in (tone, chirp, white, chords):
        y = signal().astype(np.float32).astype(np.float64)
        write(folder / f"{signal.__name__}.bin", features(y))
    y = drums().astype(np.float32).astype(np.float64)
    write(folder / "drums.bin", rhythm(y))
    write(folder / "windows.bin", windows())
    versions = f"librosa {librosa.__version__}, numpy {np.__version__}, scipy {scipy.__version__}\n"
    (folder / "VERSIONS").write_text(versions)


if __name__ == "__main__":
    main()
