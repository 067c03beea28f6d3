"""Where files of the user's lie."""

from pathlib import Path

from genbench.storage.files import InputError


def home_expanded(path: str | Path) -> Path:
    """The path, where `~` is the home folder: a shell expands it in some places, and parameters never.

    Raises:
        InputError: a home folder that is not known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{path}: no such home folder; expected a file or a folder") from error


def raw_folder(root: str) -> Path:
    """Where raw files lie; `~` is the home folder.

    Raises:
        InputError: a home folder that is not known, or something else than a folder.
    """
    try:
        path = home_expanded(root)
    except InputError as error:
        raise InputError(f"root: {error}") from error
    if path.exists() and not path.is_dir():
        raise InputError(f"root: {root} is no folder; expected the folder of the files")
    return path
