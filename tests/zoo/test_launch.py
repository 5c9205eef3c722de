"""The launcher, with processes that do not train."""

import sys
import time

import pytest

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
