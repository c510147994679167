"""Why a result is not what the manifest asks for: misses.toml.

Each [[miss]] has `file` (a shell pattern of the capture's name), `fault` (missed, besides,
technique, tool) and `why`. The first that fits is the reason.
"""

import dataclasses
import fnmatch
import pathlib
import tomllib


@dataclasses.dataclass(frozen=True)
class Miss:
    file: str
    fault: str
    why: str


def read(path: pathlib.Path) -> list[Miss]:
    with open(path, "rb") as stream:
        return [Miss(**entry) for entry in tomllib.load(stream).get("miss", [])]


def reason(reasons: list[Miss], name: str, fault: str) -> str:
    for miss in reasons:
        if miss.fault == fault and fnmatch.fnmatchcase(name, miss.file):
            return miss.why
    return ""
