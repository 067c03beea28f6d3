"""The process that waits for commands and forks a child for each, see `runtime.warm`."""

import atexit
import ctypes
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Self

from genbench.runtime import warm

SECONDS = 5.0  # in which a command that has connected says what it wants
CLOCKS = 100_000_000  # nanoseconds by which the times of files may lag behind the clock
END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>

PRCTL = ctypes.CDLL(None).prctl


class Start(NamedTuple):
    """What has to be known of this process before it loads what the children need."""

    nanoseconds: int
    conditions: dict[str, Any]

    @classmethod
    def now(cls) -> Self:
        return cls(time.time_ns(), warm.conditions())


def serve(descriptor: int, start: Start) -> None:
    """Forks a child for every command that connects to a socket, until standard input ends.  Returns in the children.

    Args:
        descriptor: of the socket, as `warm.start` gives it.
        start: made before anything was imported or set in the environment for the children.
    """
    listener = socket.socket(fileno=descriptor)
    files = loaded_files()
    fresh = all(changed < start.nanoseconds - CLOCKS for changed, *_ in files.values())
    for number in (*warm.PASSED_ON, signal.SIGCHLD):  # ended children are not waited for
        signal.signal(number, signal.SIG_IGN)
    while 0 not in select.select([0, listener.fileno()], [], [])[0]:
        connection, _ = listener.accept()
        with connection:
            request, streams = received(connection)
            fresh = fresh and {name: version(name) for name in files} == files
            if not (fresh and request and request[0] == start.conditions):
                answer(connection, warm.COLD)
            elif not fork():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                if child := fork():
                    attend(child, connection)
                become(request[1], streams)
                return
            for stream in streams:
                os.close(stream)
    shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)
    os._exit(0)


def finish(run: Callable[[], object]) -> NoReturn:
    """Runs what a child is for and ends it as Python ends a process, but for taking apart what it has loaded.

    That would copy every page it shares with the process that waits, and take longer than most commands.
    """
    try:
        code = run()
    except SystemExit as end:
        code = end.code
    except BaseException as error:  # noqa: BLE001  as the interpreter does
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)


def loaded_files() -> dict[str, tuple[int, int, int]]:
    """The file of every module, with its version."""
    names = {getattr(module, "__file__", None) for module in sys.modules.values()}
    return {name: version(name) for name in sorted(filter(None, names))}


def version(name: str) -> tuple[int, int, int]:
    """What changes with a file's content: when it changed last, where it lies on the disk, its size."""
    try:
        found = os.stat(name)  # noqa: PTH116  of 3,000 files for every command
    except OSError:
        return (0, 0, 0)
    return found.st_ctime_ns, found.st_ino, found.st_size


def fork() -> int:
    """As os.fork, with a child that is killed when this process has ended."""
    own = os.getpid()
    if child := os.fork():
        return child
    PRCTL(END_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != own:
        os._exit(1)
    return 0


def received(connection: socket.socket) -> tuple[list[Any], list[int]]:
    """What a command says of itself, nothing if it falls silent, and the descriptors of its streams."""
    connection.settimeout(SECONDS)
    streams: list[int] = []
    try:
        size, streams, *_ = socket.recv_fds(connection, 8, 3)
        text = b""
        while len(text) < int.from_bytes(size, "little"):
            if not (part := connection.recv(1 << 16)):
                return [], streams
            text += part
        connection.settimeout(None)
        return json.loads(text) if len(streams) == 3 else [], streams
    except (OSError, ValueError):
        return [], streams


def answer(connection: socket.socket, text: bytes) -> None:
    with suppress(OSError):  # the command may have been killed
        connection.sendall(text)


def attend(child: int, connection: socket.socket) -> NoReturn:
    """Passes a command's signals on to its child, and the child's end to the command; neither outlives the other."""
    process = os.pidfd_open(child)
    while process not in select.select([process, connection.fileno()], [], [])[0]:
        numbers = connection.recv(64)
        for number in numbers or [signal.SIGKILL]:
            os.kill(child, number)
        if not numbers:
            os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    answer(connection, str(code).encode())
    os._exit(0)


def become(state: dict[str, Any], streams: list[int]) -> None:
    """Takes over a command's arguments, folder, environment, streams and signals."""
    os.chdir(state["folder"])
    os.umask(state["mask"])
    os.environ.clear()
    os.environ.update(state["variables"])
    sys.argv, sys.orig_argv, sys.path[:] = state["arguments"]
    for number, (stream, name) in enumerate(zip(streams, ("stdin", "stdout", "stderr"), strict=True)):
        os.dup2(stream, number)
        os.close(stream)
        old = getattr(sys, name)
        by_line = number == 2 or os.isatty(number)
        new = open(  # noqa: SIM115  as Python itself opens them
            number,
            "w" if number else "r",
            1 if by_line else -1,
            encoding=old.encoding,
            errors=old.errors,
            closefd=False,
        )
        setattr(sys, name, new)
    for number in warm.PASSED_ON:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in state["ignored"] else default)
    random.seed()
