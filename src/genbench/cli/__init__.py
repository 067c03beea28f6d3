"""The command line.  `main` is the console script; what it runs is declared in `application`."""

import os


def main() -> None:
    """Runs the command of this process: in one that has all imports behind it, where one waits (`runtime.warm`)."""
    if os.environ.get("GENBENCH_WARM"):
        from genbench.runtime import warm

        warm.ask(os.environ["GENBENCH_WARM"])
    from genbench.cli import application

    application.main()
