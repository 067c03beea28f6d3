"""`snakemake --lint`, failing on every finding but one: that rules should name a conda environment or container.

The software is documented and pinned by requirements.lock instead, for every rule at once.
"""

import subprocess
import sys

HEADER, FINDING = "Lints for ", "    * "
EXPECTED = FINDING + "Specify a conda environment or container for each rule."


def unexpected(output: str) -> list[str]:
    """The findings in the output of `snakemake --lint`, each behind the rule or file it is about."""
    found, about = [], ""
    for line in output.splitlines():
        if line.startswith(HEADER):
            about = line
        elif line.startswith(FINDING) and not line.startswith(EXPECTED):
            found.append(f"{about} {line.strip()}")
    return found


if __name__ == "__main__":
    result = subprocess.run(["snakemake", "--lint"], capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    if HEADER not in output and "Congratulations" not in output:
        sys.exit(f"snakemake --lint did not run (exit {result.returncode}):\n{output}")
    sys.exit("\n".join(unexpected(output)) or 0)
