"""The command line: declared here, done in the modules that each command imports."""

import atexit
import gc
import getpass
import io
import os
import sys
from pathlib import Path

import typer

from genbench.cli import stages, tools
from genbench.cli.declared import PARAMS, app
from genbench.runtime import environment
from genbench.storage.files import InputError

__all__ = ["app", "main", "stages", "tools"]


def main() -> None:
    """The console script: one clear line for what the user can mend, and exit code 1."""
    environment.fix()  # before NumPy is loaded: nothing that this module imports at its top may import it
    _name_user()
    # Memory goes back at the end in any case, and a last look for garbage would take .2 s.
    atexit.register(gc.freeze)
    from genbench.engines import commands
    from genbench.provenance.receipts import recording
    from genbench.runtime import launch

    launch.end_with_parent()
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no ± or † shows a question mark
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        arguments = commands.whole(sys.argv[1:], PARAMS)
        with recording(arguments):
            app(arguments)
    except (InputError, OSError, MemoryError) as error:
        if os.environ.get("GENBENCH_TRACEBACK"):
            raise
        if not launch.reported_to_parent(error):
            said = (
                f"out of memory: {error}; expected less data at once"
                if isinstance(error, MemoryError)
                else error
            )
            # The name of a file can have line breaks, and what a terminal takes for commands.
            line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(said))
            typer.echo(f"genbench: error: {line}", err=True)
        sys.exit(1)


def _name_user() -> None:
    """DVC and Snakemake ask for a name and a home, which a user of a container need not have."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = f"uid{os.getuid()}"
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(Path(".cache").absolute())
