"""What drawn pictures can be asked for."""

from genbench.storage.files import InputError


def check_ranges(**ranges: tuple[int, int, int | None]) -> None:
    """option=(value, lowest, highest), both ends included; None where there is no highest.

    Raises:
        InputError: the first option whose value lies outside.
    """
    for option, (value, low, high) in ranges.items():
        if value < low or (high is not None and value > high):
            where = f"at least {low}" if high is None else f"{low} to {high}"
            raise InputError(f"{option}: got {value}; expected {where}")
