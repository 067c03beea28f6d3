"""Commands that start warm: one process imports the numerical libraries once, and forks a child for each command.

Importing torch takes longer than most stages.  The process that waits runs no command itself, so every child starts
from the same state: no random state, thread, cache or device of another stage.  A command that finds the process's
address in GENBENCH_WARM hands over its arguments, folder, environment and streams, passes signals on, and ends as the
child ends; killed, it takes the child with it.  Where the child would differ from the command in anything that is
decided while Python starts, or a loaded source file has changed since, the command runs cold, as it does without the
variable.  The empty string asks for that.

This module is loaded by every command: it imports nothing but the standard library, and of that little.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import subprocess

VARIABLE = "GENBENCH_WARM"
COLD = b"cold"
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

# Read while Python, the C library and the numerical libraries start.
READ_AT_START = (
    "PYTHON",
    "LD_",
    "LC_",
    "LANG",
    "MALLOC_",
    "GLIBC_",
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "TORCH",
)
FIXED = frozenset(
    {
        *("OMP_NUM_THREADS", "MKL_NUM_THREADS"),  # by every command itself; each engine sets others
        *("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"),  # by threadpoolctl, which scikit-learn imports
        "TORCHINDUCTOR_CACHE_DIR",  # by torch's compiler, once it is imported
    }
)

# What calls `forking.serve` for genbench's own commands, with the descriptor of the socket as the last argument.
STAGES = (sys.executable, "-c", "from genbench.cli.warm import main; main()")


def start(command: Sequence[str] = STAGES, variable: str = VARIABLE) -> "subprocess.Popen[bytes] | None":
    """Starts the process that waits, tells this process's children of it, and ends it with this process.

    Only on Linux; elsewhere, and where the variable is set already, nothing is started.

    Args:
        command: what calls `forking.serve` with its last argument, the descriptor of the socket.
        variable: of the environment, where the address of the process is found.
    """
    if variable in os.environ or sys.platform != "linux":
        return None
    import atexit
    import shutil
    import subprocess
    import tempfile

    folder = tempfile.mkdtemp(prefix="genbench-warm-")  # which nobody else may enter
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = os.path.join(folder, "socket")  # noqa: PTH118  pathlib would be imported for this alone
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(address)
        except OSError:  # a path longer than a socket's may be
            return None
        listener.listen(128)  # who connects from now on waits for the imports
        process = subprocess.Popen(
            [*command, str(listener.fileno())],
            stdin=subprocess.PIPE,  # ends when this process does, however it ends
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # a ctrl-C goes to the commands, which pass it on
        )
    _STARTED.append(process)  # or its pipe would be closed
    atexit.register(process.kill)  # it may still be at its imports; a child of it ends with it
    os.environ[variable] = address
    return process


_STARTED: list[object] = []


def ask(address: str) -> None:
    """Ends this process as the child ended that ran its command; returns where it has to be run cold."""
    said = b""
    handlers = {number: signal.getsignal(number) for number in PASSED_ON}
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):

        def pass_on(number: int, _: object) -> None:
            try:
                connection.sendall(bytes([number]))
            except OSError:  # nobody is left to tell
                os._exit(128 + number)

        connection.connect(address)
        request = json.dumps([conditions(), _state(handlers)]).encode()
        socket.send_fds(connection, [len(request).to_bytes(8, "little")], [0, 1, 2])
        connection.sendall(request)
        for number, handler in handlers.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, pass_on)
        said = connection.recv(8)  # nothing, where the process that waits is gone, and with it the child
    for number, handler in handlers.items():
        signal.signal(number, handler)
    if said not in {b"", COLD}:
        _end_as(int(said))


def _end_as(code: int) -> NoReturn:
    """`code` is an exit code, or minus the number of a signal."""
    if code < 0:
        if -code not in {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def conditions() -> dict[str, Any]:
    """What a forked child cannot take over from the command: both processes must agree on it."""
    import resource

    import genbench

    limits = (name for name in dir(resource) if name.startswith("RLIMIT_"))
    return {
        "program": [sys.prefix, sys.version, os.path.realpath(genbench.__file__), sys.flags.optimize],
        "variables": sorted(
            [name, value]
            for name, value in os.environ.items()
            if name.startswith(READ_AT_START) and name not in FIXED
        ),
        "limits": sorted([name, *resource.getrlimit(getattr(resource, name))] for name in limits),
        "processors": sorted(os.sched_getaffinity(0)),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "user": [os.getuid(), os.getgid()],
    }


def _state(handlers: dict[signal.Signals, Any]) -> dict[str, Any]:
    """What a child takes over."""
    os.umask(mask := os.umask(0o077))
    return {
        "arguments": [sys.argv, sys.orig_argv, sys.path],
        "folder": os.getcwd(),  # noqa: PTH109
        "variables": dict(os.environ),
        "mask": mask,
        "ignored": [number for number, handler in handlers.items() if handler is signal.SIG_IGN],
    }
