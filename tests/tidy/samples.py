"""For each rule, code that must trip it and near misses that must not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """A file that could stand in the tree."""

    trips: bool
    path: str
    text: str


def bad(text: str, path: str = "lib/scan/a.cc") -> Sample:
    """Must trip."""
    return Sample(True, path, text)


def good(text: str, path: str = "lib/scan/a.cc") -> Sample:
    """Must not."""
    return Sample(False, path, text)


def function_of(lines: int) -> str:
    """A function of exactly so many lines."""
    return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"


LIB_MESON = """libraries = [
  'base',             # 0
  'wire', 'config',   # 1
  'scan',             # 2
  'nic',              # 6
  'plane',            # 7
]
"""

SAMPLES: dict[str, list[Sample]] = {
    "includes point to a lower floor": [
        bad('#include "plane/worker.h"\n'),
        bad('#include "config/config.h"\n', "lib/wire/a.h"),
        bad('  #  include "nic/port.h"\n'),
        bad('#include "a.h"\n'),
        bad('#include "fmt/format.h"\n'),
        bad("#include <rte_mbuf.h>\n"),
        bad("#include <rte_ring.h>\n", "lib/base/ip.h"),
        bad("\n", "lib/unknown/a.cc"),
        good('#include "base/ip.h"\n#include "scan/b.h"\n#include <vector>\n'),
        good("#include <rte_mbuf.h>\n", "lib/nic/port.cc"),
        good("#include <rte_ring.h>\n", "lib/base/ring.h"),
        good('#include "plane/worker.h"\n', "app/edgesentryd/main.cc"),
        good('#include "plane/worker.h"\n', "tests/scan/a_test.cc"),
    ],
    "files are short": [
        bad("x\n" * 351),
        bad("x\n" * 351, "dts/a.py"),
        good("x\n" * 350),
        good("x\n" * 9000, "docs/metrics.md"),
    ],
    "functions are short": [
        bad(function_of(71)),
        bad("def f():\n" + "    g()\n" * 70, "dts/a.py"),
        good(function_of(70)),
        good(function_of(70) * 2),
        good("def f():\n" + "    g()\n" * 69, "dts/a.py"),
    ],
    "parameters are few": [
        bad("int f(int a, int b, int c, int d, int e, int f) { return 1; }\n"),
        good("int f(int a, int b, int c, int d, int e) { return 1; }\n"),
        good("int f(Map<int, int, int, int> a, Fn<void(int, int, int)> b) { return 1; }\n"),
        good("int f(void) { return 1; }\nint g() { return 1; }\n"),
    ],
    "lines are short": [
        bad("x" * 101 + "\n"),
        bad("x" * 101 + "\n", "dev"),
        good("x" * 100 + "\n"),
        good("x" * 101 + "\n", "README.md"),
    ],
    "code is ASCII": [
        bad("// na\u00efve\n"),
        bad("\u00b5s = 1\n", "dts/a.py"),
        good("// naive\n"),
        good("\u2588\u2588\n", "README.md"),
    ],
    "lines end clean": [
        bad("int a; \n"),
        bad("\tint a;\n"),
        bad("int a;"),
        good("int a;\n\nint b;\n"),
    ],
    "headers open with their purpose": [
        bad("#pragma once\n", "lib/scan/a.h"),
        bad("// Why.\n\n#include <vector>\n#pragma once\n", "lib/scan/a.h"),
        bad("// Why.\nint a;\n", "lib/scan/a.h"),
        bad("", "lib/scan/a.h"),
        good("// Why.\n//\n// More.\n#pragma once\n\nint a;\n", "lib/scan/a.h"),
        good("int a;\n", "lib/scan/a.cc"),
    ],
    "banned constructs are absent": [
        bad("volatile int a;\n"),
        bad("using namespace std;\n", "app/edgesentry/main.cc"),
        bad("// TODO: later\n"),
        bad("# FIXME\n", "dts/a.py"),
        bad('std::printf("a");\n'),
        bad("std::cerr << a;\n", "lib/control/a.cc"),
        bad('rte_panic("a");\n', "app/edgesentryd/main.cc"),
        bad('RTE_LOG(INFO, EAL, "a");\n', "lib/plane/a.cc"),
        bad("throw 1;\n", "lib/wire/parse.cc"),
        bad("if (!config.testing) return;\n"),
        bad("std::this_thread::sleep_for(1s);\n", "tests/control/a_test.cc"),
        bad("std::system(line);\n", "lib/enforce/a.cc"),
        bad('std::getenv("SKIP_CHECKS");\n', "lib/config/load.cc"),
        bad("dynamic_cast<A*>(b);\n", "lib/plane/a.cc"),
        bad("class PortManager {};\n"),
        bad("try:\n    f()\nexcept OSError:\n    pass\n", "dts/a.py"),
        bad("try:\n    f()\nexcept:\n    g()\n", "dts/a.py"),
        good('asm volatile("" ::: "memory");\n'),
        good("void f() {\n  using namespace wire::tcp_flag;\n}\n"),
        good("// never volatile, never using namespace, never throw\n"),
        good('const char* kText = "throw a printf at rte_panic";\n'),
        good("// TODO(#12): when the kernel can\n"),
        good("fmt::format(a); snprintf(b);\n"),
        good("throw 1;\n", "lib/config/load.cc"),
        good("char digits = 1'000'000; // don't\nint b;\n"),
        good("std::this_thread::sleep_for(1s);\n", "tests/eal/a_test.cc"),
        good("ecosystem(a); operating_system(b);\n", "lib/enforce/a.cc"),
        good("try:\n    f()\nexcept OSError as error:\n    say(error)\n", "dts/a.py"),
    ],
    "the project speaks of itself alone": [
        bad("cd /work/main\n", "docs/a.md"),
        bad('path = "/tmp/edgesentry.sock"\n', "dts/a.py"),
        bad("// see the last session\n"),
        bad("// a helper of parse\n"),
        bad("// asked for in issue 7\n"),
        good("docs/work/a and network/work/\n", "docs/a.md"),
        good("Popen(start_new_session=True)\n", "dts/a.py"),
        good("// symmetric RSS for TCP session monitoring\n"),
    good("a directory under /tmp is made by mkdtemp\n", "docs/a.md"),
    ],
    "every source is built": [
        bad("int a;\n", "lib/wire/forgotten.cc"),
        good("int a;\n", "lib/wire/parse.cc"),
        good("int a;\n", "lib/wire/headers.h"),
        good("int a;\n", "tools/free.cc"),
    ],
}
