"""Does a test see when the sign of a loss is wrong?  Flips signs one at a time and runs the tests concerned.

    python benchmarks/mutation.py [--only PART_OF_A_PLACE …] [--seconds 120] [--laws] [--list]

Mutated are functions of `models/` and `nn/` that are losses, by name or because an `Objective` is given them: + and −,
< and >, a minus, and the sign of what they return.  The tests of a mutant are the laws of the zoo for the models that
its file belongs to, of those first that name the function, then test files that import it or name it; they stop at the
first failure.  Each runs in a process forked from one that has loaded the package, and is given the changed code
there.  Printed, a line each: killed, survived or unfinished (no answer within the seconds), the place, and what was
changed.
"""

import argparse
import ast
import gc
import importlib
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
LOSS = re.compile(
    r"loss|penalty|nll|divergence|distillation|regularis|entropy|imitation|hinge|matching|energy_gap"
)
LAWS = (
    "test_directions.py::test_a_critic_and_what_it_judges_pull_a_score_apart",
    "test_models.py::test_one_batch_can_be_overfitted",
    "test_models.py::test_the_players_of_a_game_pull_its_score_apart",
    "test_models.py::test_training_raises_the_likelihood",
)
FLIPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}
MODELS = 3  # of an `nn` file that many models use, so many are put under the laws


class Mutant(NamedTuple):
    """The number-th place of a file where a sign can be flipped."""

    path: Path
    number: int
    function: str
    place: str
    change: str


def losses_in(tree: ast.Module, path: Path) -> Iterator[ast.AST]:
    """Functions that are losses, by their names, their file's, or as what an `Objective` is given; tables of losses."""
    given = {
        each.attr
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Objective"
        for each in ast.walk(call)
        if isinstance(each, ast.Attribute)
    }
    whole = bool(re.search("losses|regularisers", path.stem))
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or node.name in {"phases", "parameters"}:
            continue
        if whole or LOSS.search(node.name) or node.name in given:
            yield node
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Lambda))


def sign_of(node: ast.AST) -> str:
    """What a flip at this node changes, or nothing."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in FLIPS:
        return f"{type(node.op).__name__} -> {FLIPS[type(node.op)].__name__}"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in FLIPS:
        return f"{type(node.ops[0]).__name__} -> {FLIPS[type(node.ops[0])].__name__}"
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and not isinstance(node.operand, ast.Constant)
    ):
        return "minus taken away"
    if (
        isinstance(node, ast.Return)
        and node.value is not None
        and not isinstance(node.value, ast.Constant | ast.Tuple)
        and not _is_record(node.value)
    ):
        return "returns the negative"
    return ""


def _is_record(value: ast.expr) -> bool:
    """A call of a class, which has no sign."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id[0].isupper()


def signs_in(tree: ast.Module, path: Path) -> list[tuple[ast.AST, str]]:
    """Each + − < > of a loss, each minus in front of what is no number, each result, in the order of the source."""
    found = {
        id(node): (node, change)
        for loss in losses_in(tree, path)
        for node in ast.walk(loss)
        if (change := sign_of(node))
    }
    return sorted(found.values(), key=lambda each: (each[0].lineno, each[0].col_offset))  # type: ignore[attr-defined]


def mutants_of(path: Path) -> list[Mutant]:
    tree, lines = ast.parse(path.read_text()), path.read_text().splitlines()
    return [
        Mutant(
            path,
            i,
            enclosing(tree, node.lineno),  # type: ignore[attr-defined]
            f"{path.relative_to(SOURCE / 'genbench')}:{node.lineno}",
            f"{change} in: {lines[node.lineno - 1].strip()}",
        )  # type: ignore[attr-defined]
        for i, (node, change) in enumerate(signs_in(tree, path))
    ]


def enclosing(tree: ast.Module, line: int) -> str:
    """The innermost function that a line belongs to; of a table of losses nothing."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or line)
    ]
    return max(around, key=lambda node: node.lineno).name if around else ""


def mutated(mutant: Mutant) -> ast.Module:
    tree = ast.parse(mutant.path.read_text())
    node, _ = signs_in(tree, mutant.path)[mutant.number]
    if isinstance(node, ast.BinOp | ast.AugAssign):
        node.op = FLIPS[type(node.op)]()  # type: ignore[assignment]
    elif isinstance(node, ast.Compare):
        node.ops[0] = FLIPS[type(node.ops[0])]()  # type: ignore[call-overload]
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
    elif isinstance(node, ast.Lambda):
        node.body = ast.UnaryOp(ast.USub(), node.body)
    elif isinstance(node, ast.Return) and node.value is not None:
        node.value = ast.UnaryOp(ast.USub(), node.value)
    return ast.fix_missing_locations(tree)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def plant(mutant: Mutant) -> None:
    """Gives every function of the file, wherever it is held, the code of the changed file."""
    path = str(mutant.path)
    changed: dict[CodeType, CodeType] = {}
    waiting = [(compile(mutant.path.read_text(), path, "exec"), compile(mutated(mutant), path, "exec"))]
    while waiting:
        own, other = waiting.pop()
        changed[own] = other
        within = ([each for each in code.co_consts if isinstance(each, CodeType)] for code in (own, other))
        waiting += zip(*within, strict=True)
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            function.__code__ = changed[function.__code__]


def imports() -> dict[str, set[str]]:
    """Module -> modules of the package that its source imports, and models that it names; of package and tests."""
    found = {}
    for path in [*SOURCE.rglob("*.py"), *(ROOT / "tests/models").glob("test_*.py")]:
        name = module_of(path) if SOURCE in path.parents else str(path)
        text = path.read_text()
        named = set(re.findall(r"(?:from|import) (genbench[\w.]*)", text))
        named |= {f"genbench.models.{each.replace('/', '.')}" for each in re.findall(r'"(\w+/\w+)"', text)}
        for base, several in re.findall(r"from (genbench[\w.]*) import ([^\n(]+)", text):
            named |= {f"{base}.{each.strip().split(' ')[0]}" for each in several.split(",")}
        found[name] = named
    return found


def users_of(module: str, known: dict[str, set[str]]) -> list[str]:
    """Modules that reach it through others, nearest first."""
    found, layer = [], {module}
    while layer:
        layer = {
            name for name, named in known.items() if named & layer and name not in found and name != module
        }
        layer = {name for name in layer if name.startswith("genbench.")}
        found += sorted(layer)
    return found


def tests_of(mutant: Mutant, known: dict[str, set[str]], laws_alone: bool) -> list[str]:
    module = module_of(mutant.path)
    users = [module, *users_of(module, known)]
    models = [
        each.removeprefix("genbench.models.").replace(".", "/")
        for each in users
        if each.count(".") == 3 and ".models." in each
    ]
    models.sort(key=lambda model: mutant.function not in (SOURCE / f"genbench/models/{model}.py").read_text())
    laws = [f"tests/models/{law}[{model}]" for model in models[:MODELS] for law in LAWS]
    if laws_alone and laws:
        return laws
    concerned = {module, *(f"genbench.models.{model.replace('/', '.')}" for model in models[:MODELS])}
    near = [name for name, named in known.items() if name.startswith("/") and named & concerned]
    own = sorted(near, key=lambda name: (module not in known[name], name))
    return laws + [name for name in own if not name.endswith(("test_models.py", "test_offers.py"))]


def outcome(mutant: Mutant, tests: list[str], seconds: float) -> str:
    """In a process of its own, which may hang."""
    child = os.fork()
    if child == 0:
        import pytest

        os.setsid()
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        plant(mutant)
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
        os._exit(0 if code == 0 else 1 if code in {1, 2} else 3)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return {0: "survived", 1: "killed"}.get(os.waitstatus_to_exitcode(status), "unfinished")
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "unfinished"


def _collected(tests: list[str]) -> list[str]:
    """Without laws that do not hold for the model: pytest takes an unknown name for an error."""
    import test_directions as directions
    import test_models as laws

    contests, likely = set(laws.having(laws.Contest)), set(laws.having(laws.Likelihood))
    kept = []
    for test in tests:
        name = test[test.index("[") + 1 : -1] if "[" in test else ""
        if name and (name not in laws.ZOO or ("players" in test and name not in contests)):
            continue
        if "test_directions" in test and name and name not in directions.GAMES:
            continue
        if "likelihood" in test and name and name not in likely:
            continue
        kept.append(test)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--laws", action="store_true", help="the laws of the zoo alone, which are quick")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    files = sorted([*(SOURCE / "genbench/models").rglob("*.py"), *(SOURCE / "genbench/nn").glob("*.py")])
    everything = [
        mutant
        for path in files
        for mutant in mutants_of(path)
        if any(part in mutant.place for part in asked.only)
    ]
    files = sorted({mutant.path for mutant in everything})
    if asked.list:
        print(
            "\n".join(f"{mutant.place} {mutant.change}" for mutant in everything),
            f"\n{len(everything)} signs",
        )
        return
    os.chdir(ROOT)
    os.environ["GENBENCH_WARM"] = ""
    sys.path[:0] = [str(ROOT / "tests"), *map(str, sorted((ROOT / "tests").glob("*/")))]
    import torch

    torch.set_num_threads(1)
    for path in [*files, *(ROOT / "tests/models").glob("test_*.py")]:  # loaded once for all
        importlib.import_module(module_of(path) if path in files else path.stem)
    known, counted = imports(), Counter[str]()
    for mutant in everything:
        began, tests = time.monotonic(), _collected(tests_of(mutant, known, asked.laws))
        found = outcome(mutant, tests, asked.seconds) if tests else "survived"
        counted[found] += 1
        print(
            f"{found:<10} {mutant.place:<44} {time.monotonic() - began:5.1f} s  {mutant.change}", flush=True
        )
    print(", ".join(f"{count} {name}" for name, count in counted.items()))


if __name__ == "__main__":
    main()
