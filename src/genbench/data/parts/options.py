"""What drawn pictures can be asked for."""

from genbench.storage.files import InputError


def check_ranges(**ranges: tuple[int, int, int]) -> None:
    """option=(value, lowest, highest), both ends included.

    Raises:
        InputError: the first option whose value lies outside.
    """
    for option, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise InputError(f"{option}: got {value}; expected {low} to {high}")
