"""Processes that find the libraries imported, which takes each longer than most tests.

They are forked from one that has imported them and done nothing else: TensorFlow starts its
threads when it is first used.
"""

import contextlib
import io
import multiprocessing

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["tests.zoo.conftest"])


def printed(function, *arguments) -> str:
    """What the function prints in a process of its own, which has to end well."""
    receiver, sender = forked.Pipe(duplex=False)
    process = forked.Process(target=_send_printed, args=(sender, function, arguments))
    process.start()
    sender.close()
    text = receiver.recv()
    process.join()
    assert process.exitcode == 0, text
    return text


def _send_printed(sender, function, arguments):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        try:
            function(*arguments)
        finally:
            sender.send(text.getvalue())
