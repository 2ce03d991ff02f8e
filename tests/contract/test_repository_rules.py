"""Rules about the text of the repository that no type checker or linter knows.

The patterns are put together from pieces, so that this file does not match itself.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = ("sim", "analysis")
MOST_LINES = 500
#: The one file that may hold Numba's own decorators.
DECORATORS = "sim/cordgraft/kernels/compile.py"
#: Rooms in which a result may not depend on the order or the threads of a BLAS reduction.
MODEL_ROOMS = ("state", "kernels", "processes", "engine")

# ------------------------------------------------------------------------------------------- the files


@cache
def tracked_files() -> tuple[str, ...]:
    """Return the tracked files; in a copy without git, everything but environments, caches and runs."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        names = [name for name in listed.split("\0") if name]
    else:
        ignored = {".venv", ".cache", "runs", "build", "dist", "__pycache__"}
        paths = (path for path in ROOT.rglob("*") if path.is_file())
        relative = (path.relative_to(ROOT) for path in paths)
        names = [path.as_posix() for path in relative if not _in_ignored(path, ignored)]
    return tuple(name for name in names if (ROOT / name).is_file())


def _in_ignored(path: Path, ignored: set[str]) -> bool:
    return any(part in ignored or part.endswith(("_cache", ".egg-info")) for part in path.parts)


def python_files(*folders: str) -> list[str]:
    """Return the tracked Python files below the given folders."""
    return [n for n in tracked_files() if n.endswith(".py") and n.startswith(tuple(f"{f}/" for f in folders))]


@cache
def read_text(name: str) -> str:
    """Return the text of a file, or nothing for a binary one."""
    data = (ROOT / name).read_bytes()
    return "" if b"\0" in data else data.decode("utf-8")


@cache
def parse(name: str) -> ast.Module:
    """Return the syntax tree of a Python file."""
    return ast.parse(read_text(name), filename=name)


# ------------------------------------------------------------------------------------ text of all files

HOME_FOLDERS = "|".join(["root", "home", "tmp", "work", "farm", "Users", "opt", "mnt", "scratch"])
MACHINE_PATH = re.compile(
    rf"(?:^|[^A-Za-z0-9._~/$}})>*-])/(?:{HOME_FOLDERS})/[A-Za-z0-9]|[A-Za-z]:\\" + r"Users\\", re.MULTILINE
)
PACKAGE_INDEX = re.compile(
    "|".join(
        [
            r"pypi" + r"\.org",
            r"python" + r"hosted\.org",
            r"npm" + r"js\.(?:org|com)",
            r"deb" + r"ian\.org",
            r"ubuntu" + r"\.com/ubuntu",
            r"conda\.ana" + r"conda",
            r"crates" + r"\.io",
            r"(?:extra-)?index" + r"-url",
            r"--find" + r"-links",
            r"/sim" + r"ple/",
        ]
    ),
    re.IGNORECASE,
)


def matches(pattern: re.Pattern[str], text: str) -> list[str]:
    """Return the lines of a text in which a pattern is found, with their numbers."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {line.strip()[:120]}" for number, line in lines if pattern.search(line)]


@pytest.mark.parametrize("pattern", [MACHINE_PATH, PACKAGE_INDEX], ids=["machine path", "package index"])
def test_no_file_names_a_place(pattern: re.Pattern[str]) -> None:
    found = [f"{name}:{hit}" for name in tracked_files() for hit in matches(pattern, read_text(name))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", ["open('/" + "tmp/x')", "/" + "home/ada/run", "C:\\" + "Users\\ada"])
def test_the_machine_path_pattern_finds_what_it_should(text: str) -> None:
    assert matches(MACHINE_PATH, text)


@pytest.mark.parametrize("text", ["runs/home/x", "a/tmp/b", "../shared/data", "~/work/x", "$HOME/tmp/x"])
def test_the_machine_path_pattern_leaves_relative_paths_alone(text: str) -> None:
    assert not matches(MACHINE_PATH, text)


def test_files_stay_short_enough_to_read() -> None:
    lengths = {name: read_text(name).count("\n") for name in python_files(*SOURCE_ROOTS)}
    assert lengths, "no source file was found: the list of files is wrong"
    too_long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    assert not too_long, f"more than {MOST_LINES} lines; one idea each: {too_long}"


# --------------------------------------------------------------------------------- syntax of the source

Rule = Callable[[ast.Module], Iterator[tuple[int, str]]]
NUMBA_DECORATORS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil", "jit_module", "prange"}


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for an attribute chain, or an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def own_compilation(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find kernels that are compiled by other means than the project's decorators."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba":
            for alias in node.names:
                if alias.name in NUMBA_DECORATORS | {"*"}:
                    yield node.lineno, f"from numba import {alias.name}"
        elif isinstance(node, ast.Attribute) and dotted(node).split(".")[0] in ("numba", "nb"):
            if node.attr in NUMBA_DECORATORS:
                yield node.lineno, dotted(node)
        elif isinstance(node, ast.keyword) and node.arg in ("parallel", "fastmath"):
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield node.value.lineno, f"{node.arg}="


def other_randomness(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find random numbers that are not drawn from the project's counter-based streams."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if f"{alias.name}.".startswith(("random.", "secrets.", "numpy.random.")):
                    yield node.lineno, f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            names = {alias.name for alias in node.names}
            if module in ("random", "secrets") or module.startswith("numpy.random"):
                yield node.lineno, f"from {module} import"
            elif module == "numpy" and "random" in names:
                yield node.lineno, "from numpy import random"
        elif isinstance(node, ast.Attribute) and dotted(node) in ("np.random", "numpy.random"):
            yield node.lineno, dotted(node)


def blas_reductions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find sums that BLAS computes: their last bits change with its number of threads."""
    reductions = ("dot", "vdot", "inner", "matmul", "tensordot", "einsum")
    forbidden = {f"{module}.{name}" for module in ("np", "numpy") for name in reductions}
    for node in ast.walk(tree):
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.MatMult):
            yield node.lineno, "@"
        elif isinstance(node, ast.Attribute):
            name = dotted(node)
            if name in forbidden or name.startswith(("np.linalg.", "numpy.linalg.")):
                yield node.lineno, name
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "dot":
            yield node.lineno, ".dot()"


def broken(rule: Rule, names: list[str]) -> list[str]:
    """Return where a rule is broken."""
    return [f"{name}:{line}: {what}" for name in names for line, what in rule(parse(name))]


def test_kernels_are_compiled_by_one_module_only() -> None:
    found = broken(own_compilation, [name for name in python_files("sim") if name != DECORATORS])
    assert not found, f"use the decorators of {DECORATORS}:\n" + "\n".join(found)


def test_randomness_comes_from_the_streams_only() -> None:
    found = broken(other_randomness, python_files("sim"))
    assert not found, "draw from a stream of cordgraft.core.streams:\n" + "\n".join(found)


def test_the_model_makes_no_blas_reduction() -> None:
    rooms = [f"sim/cordgraft/{room}" for room in MODEL_ROOMS]
    found = broken(blas_reductions, python_files(*rooms))
    assert not found, "write the sum out, or use np.sum:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (own_compilation, "from numba import njit"),
        (own_compilation, "import numba\n@numba.njit(cache=True)\ndef f(): ..."),
        (own_compilation, "@kernel(parallel=True)\ndef f(): ..."),
        (other_randomness, "import numpy as np\nnp.random.default_rng(1)"),
        (other_randomness, "from numpy.random import default_rng"),
        (other_randomness, "import random"),
        (blas_reductions, "c = a @ b"),
        (blas_reductions, "import numpy as np\nnp.linalg.norm(a)"),
        (blas_reductions, "a.dot(b)"),
    ],
)
def test_each_rule_finds_what_it_forbids(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code)))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (own_compilation, "from cordgraft.kernels.compile import kernel\n@kernel\ndef f(): ..."),
        (other_randomness, "from cordgraft.kernels.random import uniform"),
        (other_randomness, "from . import random"),
        (blas_reductions, "c = (a * b).sum()"),
    ],
)
def test_each_rule_leaves_good_code_alone(rule: Rule, code: str) -> None:
    assert not list(rule(ast.parse(code)))


# ------------------------------------------------------------------------------------- tests can fail


def can_fail(function: ast.AST, checkers: frozenset[str]) -> bool:
    """Tell whether a test asserts, expects an error, or hands over to a function that does."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            last = name.rsplit(".", 1)[-1]
            if name in ("pytest.raises", "pytest.warns", "pytest.fail") or last.startswith("assert_"):
                return True
            if last in checkers:
                return True
    return False


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a module, methods included."""
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def asserting_helpers(names: list[str]) -> frozenset[str]:
    """Return the names of functions below tests/ that are not tests and that can fail themselves."""
    none: frozenset[str] = frozenset()
    everything = [function for name in names for function in functions(parse(name))]
    return frozenset(f.name for f in everything if not f.name.startswith("test") and can_fail(f, none))


def test_every_test_can_fail() -> None:
    names = python_files("tests")
    checkers = asserting_helpers(names)
    tests = [
        (name, function)
        for name in names
        if Path(name).name.startswith("test_")
        for function in functions(parse(name))
        if function.name.startswith("test_")
    ]
    assert tests
    toothless = [f"{name}:{f.lineno}: {f.name}" for name, f in tests if not can_fail(f, checkers)]
    assert not toothless, "these tests assert nothing:\n" + "\n".join(toothless)


def test_a_test_without_an_assertion_is_noticed() -> None:
    code = "def test_nothing():\n    x = 1\n\ndef test_helper():\n    check_it(1)\n"
    nothing, helped = functions(ast.parse(code))
    assert not can_fail(nothing, frozenset({"check_it"}))
    assert can_fail(helped, frozenset({"check_it"}))


# --------------------------------------------------------------------------------- twins of the kernels


def kernel_loops(tree: ast.Module) -> list[str]:
    """Return the names of the functions that are compiled as loops."""
    return [f.name for f in functions(tree) if any(dotted(d) == "kernel" for d in f.decorator_list)]


def test_every_kernel_is_compared_with_a_readable_twin() -> None:
    names = [name for name in python_files("sim/cordgraft/kernels") if name != DECORATORS]
    loops = [(name, loop) for name in names for loop in kernel_loops(parse(name))]
    assert loops, "no kernel was found: has the decorator been renamed?"
    compared = "\n".join(read_text(name) for name in python_files("tests/reference"))
    alone = [f"{name}: {loop}" for name, loop in loops if not re.search(rf"\b{loop}\b", compared)]
    assert not alone, "no test in tests/reference names these kernels:\n" + "\n".join(alone)
