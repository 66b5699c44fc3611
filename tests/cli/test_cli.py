# SPDX-License-Identifier: MIT
"""The command line on a data folder and on a server: the same answers, exit codes, and what goes to which stream."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import audio
import daemon
import pytest
from conftest import PROGRAM, environment, timbre

COMMANDS = ["add", "scan", "similar", "search", "list", "show", "remove", "features", "export", "eval", "stats"]


def lines(answer):
    return [json.loads(line) for line in answer.stdout.splitlines()]


def without_times(value):
    """The answer without how long it took."""
    if isinstance(value, dict):
        return {name: without_times(of) for name, of in value.items() if name not in ("time", "timing", "took")}
    return [without_times(of) for of in value] if isinstance(value, list) else value


def questions(library, first):
    """Commands that only look, and how their output is read."""
    piece = os.path.join(library.music, "1.wav")
    odd = os.path.join(os.fsencode(library.music), b"caf\xe9.wav")
    whole, by_line = (lambda answer: json.loads(answer.stdout)), lines
    return {
        "list": (("list",), whole),
        "list, sorted": (("list", "--sort=-tempo", "--limit=3", "--with=features"), whole),
        "list by filter": (("list", "--filter=duration:[1 TO 100]"), whole),
        "show": (("show", first), whole),
        "similar": (("similar", first), whole),
        "similar by a part": (("similar", first, "--using=rhythm", "-n", "3", "--explain"), whole),
        "similar segments": (("similar", first, "--level=segment", "--group-by=track"), whole),
        "search": (("search", piece), whole),
        "search for a passage": (("search", piece, "--start=1", "--duration=4"), whole),
        "search, odd name": (("search", odd), whole),
        "features": (("features", piece), by_line),
        "features of several": (("features", piece, odd), by_line),
        "export": (("export",), by_line),
    }


def test_json_is_the_same_from_a_folder_and_from_a_server(library):
    first = json.loads(library.run("list", "--json", "--limit=1").stdout)["results"][0]["id"]
    asked = questions(library, first)
    local = {}
    for name, (arguments, read) in asked.items():
        answer = library.run(*arguments, "--json")
        assert answer.returncode == 0, (name, answer)
        local[name] = without_times(read(answer))
    with daemon.Daemon(library.data) as server:
        where = ("--server", f"http://127.0.0.1:{server.port}")
        for name, (arguments, read) in asked.items():
            answer = timbre(arguments[0], *where, *arguments[1:], "--json")
            assert answer.returncode == 0, (name, answer)
            assert without_times(read(answer)) == local[name], name


def test_answers_for_people_have_what_was_asked(library):
    table = library.run("list").stdout.decode()
    assert table.endswith("6 of 6\n") and "caf\ufffd" in table, table
    hits = library.run("search", os.path.join(library.music, "1.wav")).stdout.decode()
    assert re.match(r" +1  █{10} 1\.000  1 ", hits), hits
    first = table.split()[0]
    shown = library.run("show", first).stdout.decode()
    assert first in shown and "tempo" in shown, shown
    features = library.run("features", os.path.join(library.music, "1.wav")).stdout.decode()
    assert "loudness" in features and "\x1b" not in features


def test_a_piece_is_its_own_nearest(library):
    for seed in range(1, 6):
        answer = json.loads(library.run("search", os.path.join(library.music, f"{seed}.wav"), "--json").stdout)
        assert answer["results"][0]["track"]["path"].endswith(f"/{seed}.wav")
        assert answer["results"][0]["distance"] < 1e-3


# --- life of a track ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["folder", "server"])
def test_tracks_are_added_shown_and_removed(fresh, mode):
    server = daemon.Daemon(fresh.data).start() if mode == "server" else None
    try:
        if server:
            fresh.where = ("--server", f"http://127.0.0.1:{server.port}")
        pieces = [os.path.join(fresh.music, name) for name in ("1.wav", "2.wav")]
        added = fresh.run("add", *pieces, "--json")
        assert added.returncode == 0, added
        first, second = [track["id"] for track in lines(added)]
        again = fresh.run("add", pieces[0])
        assert again.returncode == 0 and again.stdout.split()[0].decode() == first
        assert json.loads(fresh.run("list", "--json").stdout)["total"] == 2
        assert fresh.run("remove", first).returncode == 0
        assert fresh.run("show", first).returncode == 3
        assert fresh.run("show", second).returncode == 0
        assert all(os.path.exists(piece) for piece in pieces)
        bad = os.path.join(fresh.music, "bad.flac")
        with open(bad, "wb") as file:
            file.write(b"this is not music")
        partly = fresh.run("add", bad, pieces[1])
        assert partly.returncode == 4 and second.encode() in partly.stdout and b"bad.flac" in partly.stderr, partly
        alone = fresh.run("add", bad)
        assert alone.returncode == 1 and alone.stdout == b"" and b"not audio" in alone.stderr, alone
    finally:
        if server:
            assert server.stop() == 0


@pytest.mark.parametrize("mode", ["folder", "server"])
def test_a_scan_ends_with_4_when_files_failed_and_names_them_once(fresh, mode):
    server = daemon.Daemon(fresh.data).start() if mode == "server" else None
    try:
        if server:
            fresh.where = ("--server", f"http://127.0.0.1:{server.port}")
        with open(os.path.join(fresh.music, "bad.flac"), "wb") as file:
            file.write(b"this is not music")
        answer = fresh.run("scan", fresh.music)
        assert answer.returncode == 4, answer
        assert answer.stdout == b"library music: 2 new, 0 known again, 0 unchanged, 0 gone, 1 failed\n"
        assert answer.stderr.count(b"bad.flac") == 1, answer.stderr
        again = fresh.run("scan", fresh.music, "--json")
        assert again.returncode == 0 and json.loads(again.stdout)["state"] == "done", again
        if server:
            started = fresh.run("scan", fresh.music, "--no-wait", "--json")
            assert started.returncode == 0 and json.loads(started.stdout)["kind"] == "scan", started
        else:
            refused = fresh.run("scan", fresh.music, "--no-wait")
            assert refused.returncode == 2 and b"--server" in refused.stderr, refused
    finally:
        if server:
            assert server.stop() == 0


def test_a_search_leaves_the_users_file_as_it_is(library):
    piece = os.path.join(library.music, "1.wav")
    before, bytes_before = os.stat(piece), open(piece, "rb").read()
    for arguments in (("search", piece), ("features", piece), ("search", piece, "--using=nonsense")):
        library.run(*arguments)
    after = os.stat(piece)
    same = ("st_ino", "st_size", "st_mtime_ns", "st_mode", "st_uid", "st_gid", "st_nlink")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert open(piece, "rb").read() == bytes_before
    assert os.listdir(os.path.join(library.data, "incoming")) == []


# --- exit codes and streams ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code, arguments, words", [
    (2, ("list", "--lmit", "3"), "did you mean --limit?"),
    (2, ("similar", "x", "--usign=rhythm"), "did you mean --using?"),
    (2, ("list", "--limit=0"), "from 1 to 1000"),
    (2, ("list", "--sort=nonsense"), "nonsense"),
    (2, ("list", "--filter=tempo:["), ""),
    (2, ("search", "{music}/1.wav", "--using=nonsense"), "drums, bass, piano, guitar, others"),
    (2, ("search", "{music}/1.wav", "--space=nonsense"), "descriptors"),
    (2, ("search", "{music}/1.wav", "--using=rhythm:0"), "weight"),
    (2, ("similar",), "timbre similar ID"),
    (2, ("eval",), "timbre eval half-split DIR"),
    (2, ("eval", "half-split", "{music}", "--using=rhythm:0"), "weight"),
    (2, ("eval", "instruments"), "--cache"),
    (3, ("eval", "instruments", "--cache=/no/such.cache", "--model=/no/such.safetensors"), "/no/such.safetensors"),
    (2, ("stats",), "timbre stats descriptors --music DIR -o FILE"),
    (3, ("show", "nope"), "nope"),
    (3, ("similar", "nope"), "nope"),
    (3, ("remove", "nope"), "nope"),
    (3, ("search", "{music}/nope.wav"), "nope.wav"),
    (3, ("scan", "/no/such/folder"), "/no/such/folder"),
])
def test_what_is_wrong_is_said_on_stderr(library, code, arguments, words):
    answer = library.run(*[argument.format(music=library.music) for argument in arguments])
    assert answer.returncode == code, answer
    assert answer.stdout == b"" and words in answer.stderr.decode(), answer
    assert answer.stderr.startswith(b"timbre " + arguments[0].encode() + b": ") and answer.stderr.count(b"\n") == 1


def test_an_unknown_command_and_no_command_are_wrong_usage():
    answer = timbre("lst")
    assert answer.returncode == 2 and b"timbre help" in answer.stderr
    nothing = timbre()
    assert nothing.returncode == 2 and b"usage" in nothing.stdout


def test_a_server_that_is_not_there_is_named():
    answer = timbre("list", "--server=http://127.0.0.1:1")
    assert answer.returncode == 1 and b"http://127.0.0.1:1" in answer.stderr, answer
    assert timbre("list", "--server=nonsense").returncode == 2


def test_a_folder_that_a_server_has_says_what_to_do(fresh):
    with daemon.Daemon(fresh.data) as server:
        answer = fresh.run("list")
        assert answer.returncode == 1, answer
        assert str(server.process.pid) in answer.stderr.decode() and "--server" in answer.stderr.decode(), answer


def test_progress_goes_to_stderr_only_and_quiet_stops_it(fresh):
    answer = fresh.run("scan", fresh.music)
    assert answer.stdout.startswith(b"library music:") and answer.stdout.count(b"\n") == 1
    assert b"scanning music" in answer.stderr and b"2/2" in answer.stderr and b"\r" not in answer.stderr
    quiet = fresh.run("scan", fresh.music, "--force", "-q")
    assert quiet.returncode == 0 and quiet.stderr == b"", quiet


def on_a_terminal(*arguments, columns=80):
    """Standard error of timbre when it is a terminal."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be had here: {error}")
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=environment())
    os.close(theirs)
    out, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([ours], [], [], 1)
        try:
            piece = os.read(ours, 65536) if ready else None
        except OSError: # the other end is closed
            break
        if piece == b"":
            break
        out += piece or b""
    os.close(ours)
    assert process.wait(60) == 0
    return out.decode()


def test_a_terminal_gets_a_bar_with_rate_and_time_left(tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    for seed in range(12):
        (music / f"{seed}.wav").write_bytes(audio.tune(seed, 15))
    out = on_a_terminal("scan", "--data", str(tmp_path / "data"), "--threads=1", str(music))
    drawn = out.split("\r")
    assert any(re.search(r"scanning music  \[#+-+\]  \d+/12  \d+\.\d/s  \d+:\d\d left", line) for line in drawn), drawn
    assert re.search(r"\[#{28}\]  12/12  \d+\.\d/s", drawn[-2] + drawn[-1]), drawn
    assert out.endswith("\n")
    for columns in (60, 40, 20):
        out = on_a_terminal("scan", "--force", "--data", str(tmp_path / "data"), str(music), columns=columns)
        assert "12/12" in out
        assert all(len(line.replace("\x1b[K", "").strip()) < columns for line in re.split("[\r\n]", out)), out


@pytest.mark.parametrize("arguments", [("list", "--json"), ("export",), ("list",), ("help",)])
def test_a_reader_that_goes_away_is_no_error(library, arguments):
    read, write = os.pipe()
    os.close(read)
    try:
        where = () if arguments[0] == "help" else library.where
        answer = timbre(arguments[0], *where, *arguments[1:], stdout=write)
    finally:
        os.close(write)
    assert answer.returncode == 0 and answer.stderr == b"", answer


@pytest.mark.parametrize("arguments", [("list", "--json"), ("export",), ("list",)])
def test_a_full_disk_is_an_error(library, arguments):
    with open("/dev/full", "wb") as full:
        answer = library.run(*arguments, stdout=full)
    assert answer.returncode == 1 and b"full" in answer.stderr, answer


def test_export_to_a_file_is_what_export_prints(library, tmp_path):
    target = tmp_path / "tracks.ndjson"
    answer = library.run("export", "-o", str(target))
    assert answer.returncode == 0 and answer.stdout == b"", answer
    assert target.read_bytes() == library.run("export").stdout
    assert len(target.read_bytes().splitlines()) == 6


def test_commands_that_only_look_run_no_job(fresh):
    fresh.run("scan", fresh.music)
    with daemon.Daemon(fresh.data, threads=1) as server:
        client = server.client()
        job = client.request("POST", "/v1/libraries/music/scan", {"force": True}).json["id"]
        paused = client.post(f"/v1/jobs/{job}/pause").status # too late when the scan was quick
        client.close()
    assert fresh.run("list").returncode == 0
    with daemon.Daemon(fresh.data) as server:
        state = server.client().get(f"/v1/jobs/{job}").json["state"]
        assert state in (("paused",) if paused == 200 else ("done", "queued", "running")), (paused, state)


# --- eval ------------------------------------------------------------------------------------------------------------


def test_eval_measures_a_folder(tmp_path):
    for seed in (1, 2, 3):
        (tmp_path / f"{seed}.wav").write_bytes(audio.tune(seed, 61, 4000))
    (tmp_path / "short.wav").write_bytes(audio.tune(4, 5))
    answer = timbre("eval", "half-split", str(tmp_path), "--json", "-q")
    assert answer.returncode == 0 and answer.stderr == b"", answer
    measured = json.loads(answer.stdout)
    assert measured["files"] == {"used": 3, "too_short": 1, "failed": 0} and measured["top1"] == pytest.approx(1)
    answer = timbre("eval", "music-id", str(tmp_path), "--window=3", "--windows=4")
    assert answer.returncode == 0 and b"4 windows of 3 s" in answer.stdout, answer


# --- help, manual, completion ------------------------------------------------------------------------------------------


def flags_of(text):
    return set(re.findall(r"--(?:\[no-\])?([a-z][a-z-]+)", text))


def manual(name):
    with open(os.path.join(daemon.SOURCE, "man", name), encoding="utf-8") as file:
        text = file.read()
    return set(re.findall(r"Fl Fl ([a-z][a-z-]+)", text)), text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_of_a_command_is_in_its_manual(command):
    answer = timbre(command, "--help")
    assert answer.returncode == 0 and answer.stderr == b""
    known, text = manual("timbre.1")
    known |= {flag[len("no-"):] for flag in known if flag.startswith("no-")}
    flags = {line.split("--")[1].split("=")[0].split()[0].replace("[no-]", "") for line in
             re.findall(r"^ *(?:-[a-zA-Z], )?(--\S+)", answer.stdout.decode(), re.M)}
    assert flags and flags <= known, flags - known
    assert f".It Cm {command}" in text


def test_every_flag_of_the_server_is_in_its_manual():
    flags = {flag.replace("[no-]", "") for flag in re.findall(r"^ *(?:-[a-zA-Z], )?--(\S+?)(?:[= ]|$)", daemon.run("--help").stdout, re.M)}
    known, _ = manual("timbred.8")
    assert flags and flags <= known | {"no-" + flag for flag in known}, flags - known


def test_help_names_every_command():
    text = timbre("help").stdout.decode()
    assert all(re.search(rf"^  {command} ", text, re.M) for command in COMMANDS + ["serve", "version"]), text
    assert re.fullmatch(r"timbre \d+\.\d+\.\d+\n", timbre("version").stdout.decode())


def complete(*words):
    """What bash would offer for the last word."""
    script = os.path.join(daemon.SOURCE, "tools", "completion", "timbre")
    program = f'. "{script}" || exit 9; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _timbre; printf "%s\\n" "${{COMPREPLY[@]}}"'
    answer = subprocess.run(["bash", "-euc", program, "bash", *words], capture_output=True, text=True, timeout=60, check=False,
                            env=environment(PATH=daemon.BUILD + ":" + os.environ["PATH"]))
    assert answer.returncode == 0 and answer.stderr == "", answer
    return set(answer.stdout.split())


def test_completion_offers_commands_flags_and_values():
    assert set(COMMANDS + ["serve", "version", "help"]) <= complete("timbre", "")
    assert complete("timbre", "sc") == {"scan"}
    assert {"--limit", "--sort", "--filter"} <= complete("timbre", "list", "--")
    assert complete("timbre", "list", "--li") == {"--limit"}
    assert complete("timbre", "search", "--level", "") == {"track", "segment"}
    assert complete("timbre", "eval", "") == {"half-split", "music-id", "instruments"}
