"""The launcher, with processes that do not train."""

import sys
import time

import pytest

from zoo import launch
from zoo.launch import run

INDEX = "import json, os; i = json.loads(os.environ['TF_CONFIG'])['task']['index']; "


def workers(code, count=2, grace=1.0):
    return run([sys.executable, "-c", INDEX + code], count, grace)


def test_each_worker_knows_the_cluster_and_its_place(capfd):
    code = "print(i, *json.loads(os.environ['TF_CONFIG'])['cluster']['worker'])"
    assert workers(code, 3) == 0
    lines = sorted(capfd.readouterr().out.splitlines())
    assert [line.split()[:3] for line in lines] == [["[worker", f"{i}]", str(i)] for i in range(3)]
    addresses = {tuple(line.split()[3:]) for line in lines}
    assert len(addresses) == 1 and len(set(addresses.pop())) == 3


@pytest.mark.parametrize(
    ("code", "exit_code", "message"),
    [
        ("import sys; sys.exit(3 * i)", 3, "Worker 1 has failed (3)"),
        ("os.kill(os.getpid(), 9) if i else None", 1, "Worker 1 was killed by signal 9"),
    ],
)
def test_a_failure_is_told(code, exit_code, message, capfd):
    assert workers(code) == exit_code
    assert message in capfd.readouterr().err


def test_a_worker_that_waits_for_a_lost_one_is_killed(capfd):
    begin = time.monotonic()
    assert workers("import time; time.sleep(100 if i else 0); os._exit(5)") == 5
    assert time.monotonic() - begin < 20
    assert "did not stop by themselves" in capfd.readouterr().err


def test_the_last_lines_of_the_workers_come_out(capfd):
    code = "import sys; [print('line', k) for k in range(30_000)]; print('last'); sys.exit(i)"
    assert workers(code) == 1
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 2 * 30_001 and {"[worker 0] last", "[worker 1] last"} <= set(lines)


def test_workers_are_stopped_where_one_cannot_be_started(monkeypatch):
    start, started = launch._start, []

    def fail_at_the_second(command, addresses, index):
        if index:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(start(command, addresses, index))
        return started[-1]

    monkeypatch.setattr(launch, "_start", fail_at_the_second)
    with pytest.raises(OSError, match="temporarily unavailable"):
        workers("import time; time.sleep(100)")
    assert started[0].poll() is not None
