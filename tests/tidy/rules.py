"""The rules of docs/STYLE.md that a program can check; each yields (line, sentence)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from source import Source

Findings = Iterator[tuple[int, str]]

LINES_MAX = 350
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
PARAMETERS_MAX = 5
# The one call from worker and replay into the detectors: a burst, its context, and two outputs.
PARAMETERS_EXEMPT = {("lib/scan/inspect.cc", "inspect")}

# Libraries that compile without exceptions and RTTI, and those that may see DPDK's headers.
LEAN = {"wire", "scan", "signature", "nic", "plane"}
DPDK_FILES = {"lib/base/ring.h", "lib/base/ring.cc", "lib/base/snapshot.h", "lib/base/snapshot.cc"}
DPDK_FLOOR = 6

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|<(rte_[^>]+)>)', re.MULTILINE)


def line_at(text: str, offset: int) -> int:
    """The line number of an offset."""
    return text.count("\n", 0, offset) + 1


def read_floors(meson: str) -> dict[str, int]:
    """The floors as lib/meson.build lists them, so that they are written down once."""
    floors = {}
    for line in meson.splitlines():
        names, mark, number = line.partition("# ")
        if mark and number.strip().isdigit():
            floors.update((name, int(number)) for name in re.findall(r"'(\w+)'", names))
    return floors


@dataclass(frozen=True)
class Floors:
    """Includes point down."""

    floors: dict[str, int]

    def __call__(self, source: Source) -> Findings:
        """Check the includes of one file of lib/."""
        if not source.folder or not source.is_cpp:
            return
        own = self.floors.get(source.folder)
        if own is None:
            yield 1, f"lib/{source.folder} has no floor; list it in lib/meson.build"
            return
        for match in _INCLUDE.finditer(source.text):
            line, header = line_at(source.text, match.start()), match[1] or match[2]
            if header.startswith("rte_"):
                if own < DPDK_FLOOR and source.path not in DPDK_FILES:
                    yield line, f"{header} below floor {DPDK_FLOOR}; only ring and snapshot may"
                continue
            other = header.split("/")[0]
            if "/" not in header:
                yield line, f'"{header}" needs its folder: "{source.folder}/{header}"'
            elif other not in self.floors:
                yield line, f'"{header}" is not in a library; third parties stand in <>'
            elif other != source.folder and self.floors[other] >= own:
                yield line, f"{source.folder} (floor {own}) includes {header}, not on a lower floor"


def file_length(source: Source) -> Findings:
    """A file holds one idea."""
    lines = len(source.text.splitlines())
    if source.is_code and lines > LINES_MAX:
        yield LINES_MAX + 1, f"{lines} lines, at most {LINES_MAX}; split it by idea"


def function_length(source: Source) -> Findings:
    """A function fits on a screen."""
    for function in source.functions:
        lines = function.last - function.first + 1
        if lines > FUNCTION_LINES_MAX:
            yield function.first, f"{function.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def parameters(source: Source) -> Findings:
    """More than five is a struct."""
    for function in source.functions:
        if not source.is_cpp or (source.path, function.name) in PARAMETERS_EXEMPT:
            continue
        if function.parameters > PARAMETERS_MAX:
            yield (function.first, f"{function.name} takes {function.parameters} parameters, "
                                   f"at most {PARAMETERS_MAX}; make them a struct")


def columns(source: Source) -> Findings:
    """A line fits beside another."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if source.is_code and len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"


def ascii_only(source: Source) -> Findings:
    """Comments, names and log lines are plain English."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if source.is_code and not line.isascii():
            odd = next(character for character in line if not character.isascii())
            yield number, f"U+{ord(odd):04X} is not ASCII; write it out or escape it"


def blank_ends(source: Source) -> Findings:
    """No blanks at line ends, no tabs in code, one newline at the end."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if source.is_code and (line != line.rstrip() or "\t" in line):
            yield number, "blank at the end of the line or a tab; use spaces between words only"
    if source.is_code and source.text and not source.text.endswith("\n"):
        yield len(source.text.splitlines()), "the last line has no newline"


def header_opening(source: Source) -> Findings:
    """A header says what it is for before anything else."""
    if not source.path.endswith(".h"):
        return
    lines = source.text.splitlines()
    if not lines or not lines[0].startswith("// "):
        yield 1, "a header opens with a comment: what it is for, who calls it, what it promises"
    code = [line for line in source.code.splitlines() if line.strip()]
    if not code or code[0].strip() != "#pragma once":
        yield 1, "after the comment comes #pragma once"


@dataclass(frozen=True)
class Banned:
    """A construct, where it is banned, and what to use instead."""

    pattern: str
    paths: str
    instead: str
    in_comments: bool = False


_UNIT_TESTS = r"tests/(?!stress/|eal/|fuzz/|tidy/|scenarios/)\w+/.*\.cc$"
BANNED = [
    Banned(r"(?<!asm )\bvolatile\b", r".*\.(cc|h)$", "std::atomic with a memory order, or Counter"),
    Banned(r"(?m)^using namespace\b", r".*\.(cc|h)$", "a using-declaration of the one name"),
    Banned(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#[0-9]+\))", r".*\.(cc|h|py|build|sh)$",
           "TODO(#number), or do it now", in_comments=True),
    Banned(r"\b(printf|fprintf|puts|fputs|std::cout|std::cerr)\b",
           r"lib/(?!base/check\.h).*\.(cc|h)$", "a Result, a counter or an event sink"),
    Banned(r"\brte_(panic|exit)\b", r".*\.(cc|h)$", "a Result, or EDGESENTRY_CHECK"),
    Banned(r"\bRTE_LOG(_DP)?\b", r"lib/.*\.(cc|h)$", "a counter; the packet path does not log"),
    Banned(r"\bthrow\b", rf"lib/({'|'.join(sorted(LEAN))})/.*", "a Result or a counted outcome"),
    Banned(r"\b(testing|test_mode|is_test|for_test(ing|s)?)\b", r"lib/.*\.(cc|h)$",
           "an interface that the test implements"),
    Banned(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", _UNIT_TESTS,
           "a manual clock, or waiting for a condition"),
    Banned(r"\b(std::)?(system|popen)\s*\(", r"(lib|app)/.*\.(cc|h)$",
           "a program and its argument vector"),
    Banned(r"\bgetenv\s*\(", r"lib/.*\.(cc|h)$", "a key of the configuration"),
    Banned(r"\bdynamic_cast\b|\btypeid\b", rf"lib/({'|'.join(sorted(LEAN))})/.*", "a concept"),
    Banned(r"\b(class|struct)\s+\w*(Manager|Helper|Util)\b", r".*\.(cc|h)$",
           "the thing's own noun"),
    Banned(r"except[^:\n]*:\s*(#[^\n]*)?\n?\s*pass\b", r".*\.py$",
           "handling, or contextlib.suppress of one named error"),
    Banned(r"except\s*:", r".*\.py$", "the name of the error"),
]


def banned(source: Source) -> Findings:
    """Constructs with a known better one."""
    for rule in BANNED:
        if source.path.startswith("tests/tidy/") or not re.match(rule.paths, source.path):
            continue
        text = source.text if rule.in_comments else source.code
        for match in re.finditer(rule.pattern, text):
            found = " ".join(match[0].split())
            yield line_at(text, match.start()), f"'{found}' is banned; use {rule.instead}"


# The project speaks of itself alone: not of the machine it was written on, nor of how.
_WORDS = re.compile(r"(?<![\w/.])/work/|(?<![\w.])/tmp/[A-Za-z]\w*|(?<![\w])/(home|root)/\w+"
                    r"|\b(this|last|next|previous|earlier|another) session\b"
                    r"|\bhelpers?\b|\bissue [0-9]+\b", re.IGNORECASE)


def words(source: Source) -> Findings:
    """No machine paths, no words about development."""
    if source.path.startswith("tests/tidy/"):
        return
    for match in _WORDS.finditer(source.text):
        yield (line_at(source.text, match.start()),
               f"'{match[0]}' speaks of a machine or of how this is made; say what the thing is")


@dataclass(frozen=True)
class DeadFiles:
    """Each C++ source is built."""

    texts: dict[str, str]  # every meson.build by its path

    def __call__(self, source: Source) -> Findings:
        """Look the file up in the meson.build beside it, by name or by the stem of a loop."""
        path = Path(source.path)
        meson = self.texts.get(str(path.parent / "meson.build"))
        if path.suffix != ".cc" or meson is None:
            return
        stems = (path.name, path.stem, path.stem.rpartition("_")[0])
        if not any(f"'{stem}'" in meson for stem in stems if stem):
            yield 1, f"{path.parent}/meson.build does not build {path.name}"


Rule = Callable[[Source], Findings]


def all_rules(sources: list[Source]) -> dict[str, Rule]:
    """Every rule by its name."""
    mesons = {s.path: s.text for s in sources if s.path.endswith("meson.build")}
    return {
        "includes point to a lower floor": Floors(read_floors(mesons.get("lib/meson.build", ""))),
        "files are short": file_length,
        "functions are short": function_length,
        "parameters are few": parameters,
        "lines are short": columns,
        "code is ASCII": ascii_only,
        "lines end clean": blank_ends,
        "headers open with their purpose": header_opening,
        "banned constructs are absent": banned,
        "the project speaks of itself alone": words,
        "every source is built": DeadFiles(mesons),
    }
