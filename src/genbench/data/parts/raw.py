"""Where the raw files of a source lie."""

from pathlib import Path

from genbench.storage.files import InputError


def raw_folder(root: str) -> Path:
    """Where raw files lie; `~` is the home folder.

    Raises:
        InputError: a home folder that is not known, or something else than a folder.
    """
    try:
        path = Path(root).expanduser()
    except RuntimeError as error:
        raise InputError(f"root: {root}: no such home folder; expected a folder") from error
    if path.exists() and not path.is_dir():
        raise InputError(f"root: {root} is no folder; expected the folder of the files")
    return path
