"""The tree as the tidy rules see it: files, their code without comments, their functions."""

import functools
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CPP = (".cc", ".h")
# What .gitignore names, for trees without git.
_UNLISTED = re.compile(r"(build[^/]*|out|\.git)/|.*__pycache__/")

# Comments, then literals; both may hold anything that the rules would take for code.
_COMMENT = r"//[^\n]*|/\*.*?\*/"
_RAW = r'R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'
_LITERAL = rf"""{_RAW}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'"""
_SKIPPED = re.compile(rf"{_COMMENT}|(?<![0-9a-fA-F])(?:{_LITERAL})", re.DOTALL)


@dataclass(frozen=True)
class Function:
    """A function as ctags finds it."""

    name: str
    first: int
    last: int
    signature: str

    @property
    def parameters(self) -> int:
        """How many; commas inside <>, (), [] and {} do not count."""
        inner = self.signature.strip()[1:].rpartition(")")[0].strip()
        if inner in ("", "void"):
            return 0
        depth, count = 0, 1
        for character in inner:
            depth += character in "<([{"
            depth -= character in ">)]}"
            count += character == "," and depth == 0
        return count


@dataclass(frozen=True)
class Source:
    """One file of the tree: its path from the top, its text, and its functions where asked for."""

    path: str
    text: str
    functions: tuple[Function, ...] = ()

    @functools.cached_property
    def code(self) -> str:
        """The text with comments and literals blanked; line numbers stay."""
        if not self.is_cpp:
            return self.text
        return _SKIPPED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), self.text)

    @property
    def is_cpp(self) -> bool:
        """C++ source or header."""
        return self.path.endswith(CPP)

    @property
    def is_code(self) -> bool:
        """Anything that people write line by line."""
        ends = (*CPP, ".py", ".sh", "meson.build", ".ci/run")
        return self.path.endswith(ends) or self.path == "dev"

    @property
    def folder(self) -> str:
        """The library a file of lib/ belongs to, else nothing."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "lib" and len(parts) > 2 else ""


def list_files(top: Path) -> list[str]:
    """What git knows or would add; in an unpacked archive, all but build directories."""
    # Root may test a tree that somebody else owns; git would refuse to look at it.
    command = ["git", "-C", str(top), "-c", f"safe.directory={top}",
               "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return sorted(path for path in listed.stdout.splitlines() if (top / path).is_file())
    found = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
    return sorted(
        str(path) for path in found if not _UNLISTED.match(str(path))
    )


def functions_of(top: Path, paths: list[str]) -> dict[str, tuple[Function, ...]]:
    """Ask ctags for the definitions in these files."""
    command = ["ctags", "-f", "-", "-L", "-", "--fields=neS", "--sort=no",
               "--kinds-C++=f", "--kinds-Python=fm", "--languages=C++,Python",
               "--langmap=C++:.cc.h"]
    listed = subprocess.run(command, input="\n".join(paths), cwd=top, capture_output=True,
                            text=True, check=True)
    found: dict[str, list[Function]] = {}
    for line in listed.stdout.splitlines():
        name, path, rest = line.split("\t", 2)
        fields = dict(field.split(":", 1) for field in rest.split("\t") if ":" in field)
        first = int(fields["line"])
        found.setdefault(path, []).append(
            Function(name, first, int(fields.get("end", first)), fields.get("signature", "()"))
        )
    return {path: tuple(functions) for path, functions in found.items()}


def read_tree(top: Path) -> list[Source]:
    """Every text file of the tree."""
    sources = []
    paths = list_files(top)
    functions = functions_of(top, [path for path in paths if path.endswith((*CPP, ".py"))])
    for path in paths:
        try:
            text = (top / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # captures, pictures
        sources.append(Source(path, text, functions.get(path, ())))
    return sources


if __name__ == "__main__":
    top_folder = Path(__file__).resolve().parents[2]
    print("\n".join(path for path in list_files(top_folder) if path.endswith(tuple(sys.argv[1:]))))
