"""The engines, and the stand-ins of `engines/stopping`, forked from one process that has imported them.

Importing is half of the time that their hundreds of calls would take.  What cannot be forked (`runtime.warm` says when)
is started as ever.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from genbench.runtime import forking, warm

ADDRESS = "GENBENCH_TESTS_FORKED"
STOPPING = Path(__file__).parent / "engines/stopping"
SERVER = (sys.executable, __file__, "--serve")
MODULES = (
    *(
        "dvc.cli.parser",
        "dvc.repo.reproduce",
        "dvc.repo.status",
        "dvc.repo.commit",
        "dvc.stage.run",
        "dvc.output",
    ),
    *("dvc.dependency.param", "dvc_data.index", "scmrepo.git", "dulwich.repo"),
    *("snakemake.cli", "snakemake.workflow", "snakemake.executors.local", "snakemake.report"),
    *("genbench.engines.failures", "genbench.engines.snakemake", "genbench.engines.unproven"),
    *("genbench.params.schema", "genbench.cli.application", "standin", "stops"),
)


def call(program: str) -> list[str]:
    """What starts a program so: its arguments follow."""
    return [sys.executable, __file__, program]


def serve() -> None:
    start = forking.Start.now()
    sys.path.insert(0, str(STOPPING))
    for name in MODULES:
        import_module(name)
    import_module("dvc.cli.parser").get_main_parser()  # imports the commands
    forking.serve(int(sys.argv[-1]), start)  # returns in the children alone
    program = Path(sys.argv[0])
    name = "standin" if program.parent == STOPPING else f"{program.name}.cli"
    forking.finish(import_module(name).main)


def ask(program: Path) -> None:
    """Ends this process as the child ended that ran the program with these arguments, where there is one."""
    sys.argv[0] = str(program)
    sys.orig_argv = [sys.executable, *sys.argv]
    if ADDRESS in os.environ:
        warm.ask(os.environ[ADDRESS])


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve()
    else:
        sys.argv.pop(0)
        ask(Path(sys.executable).parent / sys.argv[0])
        os.execv(sys.argv[0], sys.argv)
