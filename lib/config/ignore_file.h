// PortSentry's ignore file: addresses and networks that are never blocked, one a line.
//
// Takes what either PortSentry took, and what they tripped over: comments behind an address, blank
// lines and blanks, CRLF, host bits below the mask (cleared), /0, IPv6 in either case, dotted masks
// ("10.0.0.0/255.255.255.0"), a last line without its end. A bad line is a Problem that is not
// fatal: it is left out with its number said, and all others are in force. Never throws.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "config/problem.h"

namespace edgesentry::config {

struct IgnoreFile {
  std::vector<base::Prefix> prefixes;
  std::size_t bad_lines = 0;      // all of them; `problems` has the first ones
  std::vector<Problem> problems;  // with line 0, and fatal: the file could not be read at all
};

IgnoreFile parse_ignore(std::string_view text, const std::string& name);
IgnoreFile load_ignore(const std::string& path);

}  // namespace edgesentry::config
