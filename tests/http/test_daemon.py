# SPDX-License-Identifier: MIT
"""timbred as a program: flags, file, environment, signals, exit codes, what systemd is told."""
import os
import re
import signal
import socket
import time

import pytest

import audio
import daemon


def test_help_names_every_option_and_exit_code():
    result = daemon.run("--help")
    assert result.returncode == 0 and result.stderr == ""
    for word in ("--data", "--listen", "--config", "--threads", "--models", "--log-format", "--log-level", "--pid-file",
                 "check-config", "insecure-listen", "64", "65", "69", "75", "127.0.0.1:8080"):
        assert word in result.stdout, word


def test_version():
    result = daemon.run("--version")
    assert result.returncode == 0 and re.fullmatch(r"timbred \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("flags", [["--nosuch"], ["--threads", "x"], ["--threads", "-1"], ["--threads=100000"], ["--log-level", "loud"],
                                   ["stray"], ["--listen"], ["--listen", "8080"], ["--listen", "127.0.0.1:99999"],
                                   ["--listen", "0.0.0.0:0"], ["--listen", "[::]:0"], ["--max-upload", "5X"], []])
def test_wrong_usage_ends_with_64_and_a_sentence(flags, tmp_path):
    data = ["--data", tmp_path / "data"] if flags else []
    result = daemon.run(*data, *flags)
    assert result.returncode == 64 and result.stderr.startswith("timbred: ") and len(result.stderr) > 20, result
    assert not (tmp_path / "data").exists()


def test_an_open_address_says_why_it_is_refused_and_how_to_insist(new_daemon, tmp_path):
    result = daemon.run("--data", tmp_path / "data", "--listen", "0.0.0.0:0")
    assert result.returncode == 64 and "--insecure-listen" in result.stderr and "log in" in result.stderr
    with new_daemon(listen="0.0.0.0:0", insecure_listen="true") as one:
        assert one.client().get("/livez").status == 200


def test_a_taken_port_ends_with_69(playground, tmp_path):
    result = daemon.run("--data", tmp_path / "other", "--listen", f"127.0.0.1:{playground.port}", "--models", daemon.MODELS)
    assert result.returncode == 69 and str(playground.port) in result.stderr, result


def test_folders_that_cannot_be_are_said(tmp_path):
    (tmp_path / "file").write_text("x")
    result = daemon.run("--data", tmp_path / "file", "--listen", "127.0.0.1:0", "--models", daemon.MODELS)
    assert result.returncode != 0 and "file" in result.stderr, result
    result = daemon.run("--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--models", tmp_path / "nowhere")
    assert result.returncode == 66 and "nowhere" in result.stderr, result


def test_the_file_the_environment_and_the_flags_in_their_order(tmp_path):
    config = tmp_path / "timbre.conf"
    config.write_text("# a comment\nthreads = 3\nqueue_limit = 7\nmax_upload = 1G\n[log]\nformat = json\n")
    result = daemon.run("--config", config, "--check-config", "--queue-limit=9", environment={"TIMBRE_THREADS": "5", "TIMBRE_QUEUE_LIMIT": "8"})
    assert result.returncode == 0, result
    values = dict(re.findall(r"^(\w+) = (.*)$", result.stdout, re.M))
    assert (values["threads"], values["queue_limit"], values["log_format"]) == ("5", "9", "json"), values
    again = tmp_path / "again.conf"
    again.write_text(result.stdout)
    second = daemon.run("--config", again, "--check-config")
    assert second.returncode == 0 and dict(re.findall(r"^(\w+) = (.*)$", second.stdout, re.M))["max_upload"] == values["max_upload"]


@pytest.mark.parametrize("text, word", [("nosuch = 1\n", "nosuch"), ("threads = many\n", "threads"), ("\n\nthreads\n", "3"), ("[log\n", "1")])
def test_a_wrong_file_is_said_with_its_line(tmp_path, text, word):
    config = tmp_path / "timbre.conf"
    config.write_text(text)
    result = daemon.run("--config", config, "--check-config")
    assert result.returncode == 64 and "timbre.conf" in result.stderr and word in result.stderr, result


def test_a_file_that_is_not_there_ends_with_66(tmp_path):
    result = daemon.run("--config", tmp_path / "nowhere.conf", "--check-config")
    assert result.returncode == 66 and "nowhere.conf" in result.stderr, result


def test_several_addresses_are_served(new_daemon):
    one = new_daemon(listen="127.0.0.1:0,127.0.0.2:0")
    with one:
        time.sleep(0.1)
        ports = re.findall(r"listening on http://([0-9.]+):(\d+)", one.log())
        assert len(ports) == 2
        for host, port in ports:
            with socket.create_connection((host, int(port)), 5) as connection:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_the_log_can_be_json_lines_and_shows_requests_when_asked(new_daemon):
    import json
    with new_daemon(log_format="json", access_log="true") as one:
        one.client().request("GET", "/v1/tracks?q=secret", headers={"X-Request-Id": "look-for-me", "Authorization": "Bearer hidden"})
        time.sleep(0.2)
        lines = [json.loads(line) for line in one.log().splitlines()]
    access = next(line for line in lines if "look-for-me" in line["message"])
    assert "GET /v1/tracks 200" in access["message"] and access["component"] == "http"
    assert not any("hidden" in line["message"] or "secret" in line["message"] for line in lines)


def test_the_pid_file_is_there_while_it_runs(new_daemon, tmp_path):
    path = tmp_path / "timbred.pid"
    with new_daemon(pid_file=path) as one:
        assert int(path.read_text()) == one.process.pid
    assert not path.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_to_stop_end_it_with_0(new_daemon, number):
    one = new_daemon().start()
    one.process.send_signal(number)
    assert one.process.wait(20) == 0
    assert "stopped" in one.log()


def test_hup_and_pipe_are_survived(playground):
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGHUP):
        playground.process.send_signal(number)
        time.sleep(0.05)
    assert playground.client().get("/livez").status == 200


def test_a_second_signal_gives_up_what_runs(new_daemon):
    one = new_daemon(stop_timeout="60s").start()
    hour = audio.wav_bytes(audio.tune(70, 10, 22050)[44:] * 360, 22050)
    connection = socket.create_connection(("127.0.0.1", one.port), 30)
    connection.sendall(b"POST /v1/tracks HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n" + f"Content-Length: {len(hour)}\r\n\r\n".encode())
    connection.sendall(hour)
    time.sleep(0.3)
    begun = time.monotonic()
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    if one.process.poll() is None:
        one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(20) == 0
    assert time.monotonic() - begun < 15
    connection.close()
    one.stop()
    one.start()
    assert one.client().get("/v1/tracks").json["total"] == 0
    assert one.stop() == 0


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(new_daemon, tmp_path):
    with open(daemon.PROGRAM, "rb") as file:
        if b"libsystemd" not in file.read():
            pytest.skip("built without libsystemd")
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(10)
        with new_daemon(environment={"NOTIFY_SOCKET": path}) as one:
            ready = listener.recv(1000).decode()
            assert "READY=1" in ready and f"127.0.0.1:{one.port}" in ready
        assert "STOPPING=1" in listener.recv(1000).decode()


def test_data_need_no_folder_of_models_beside_them_when_run_from_the_build_tree(new_daemon):
    with new_daemon(models=None) as one:
        assert one.client().get("/v1/spaces").json["results"]
