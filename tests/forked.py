"""The engines, and the stand-ins of `engines/stopping`, forked from one process that has imported them.

Importing is half of the time that their hundreds of calls would take.  What cannot be forked (`runtime.warm` says when)
is started as ever.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from genbench.runtime import forking, warm

ADDRESS = "GENBENCH_TESTS_FORKED"
STOPPING = Path(__file__).parent / "engines/stopping"
SERVER = (sys.executable, __file__, "--serve")
PROGRAMS = {"dvc": "dvc.cli", "snakemake": "snakemake.cli", "genbench": "genbench.cli.application"}
# Of genbench's commands those that start an engine; the stages have a process of their own, which has imported torch.
COMMANDS = {("genbench", command) for command in ("sync", "verify")}
MODULES = (
    *(
        f"dvc.{name}"
        for name in ("cli.parser", "stage.run", "output", "dependency.param", "data_cloud", "lock")
    ),
    *(f"dvc.{name}" for name in ("rwlock", "utils.strictyaml")),
    *(
        f"dvc.repo.{name}"
        for name in ("reproduce", "status", "commit", "graph", "index", "metrics", "params")
    ),
    *(f"dvc.repo.{name}" for name in ("plots", "open_repo", "artifacts", "datasets", "stage", "trie")),
    *("dvc_data.index", "dvc_data.hashfile.db.local", "dvc_data.hashfile.status", "networkx"),
    *("scmrepo.git", "scmrepo.noscm", "dulwich.repo", "dulwich.ignore", "dulwich.worktree"),
    *(f"snakemake.{name}" for name in ("cli", "workflow", "executors.local", "report", "storage")),
    *("smart_open", "requests"),
    *(f"genbench.engines.{name}" for name in ("failures", "snakemake", "unproven", "dvc", "sync", "verify")),
    *("genbench.params.schema", "genbench.runtime.gpus", "genbench.cli.application", "standin", "stops"),
)


def starts_an_engine(arguments: Sequence[str]) -> bool:
    return arguments[0] in PROGRAMS.keys() - {"genbench"} or tuple(arguments[:2]) in COMMANDS


def call(program: str) -> list[str]:
    """What starts a program so: its arguments follow."""
    return [sys.executable, __file__, program]


def serve() -> None:
    start = forking.Start.now()
    sys.path.insert(0, str(STOPPING))
    gc.disable()
    for name in MODULES:
        import_module(name)
    import_module("dvc.cli.parser").get_main_parser()  # imports the commands
    import_module("snakemake.cli").get_argument_parser()  # and the plugins
    gc.freeze()  # children would copy all of it to look for garbage
    gc.enable()
    forking.serve(int(sys.argv[-1]), start)  # returns in the children alone
    program = Path(sys.argv[0])
    name = "standin" if program.parent == STOPPING else PROGRAMS[program.name]
    import_module("genbench.engines.snakemake").PROGRAM = call("snakemake")
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
