// edgesentry.toml to Config, with every problem at once: each says file, line, column, key, what is
// wrong and what to write instead.
//
// Nothing throws and nothing ends the process, whatever the file holds: a file that is missing, a
// directory, larger than 1 MiB or not text is a Problem like any other. Where a key is refused its
// default stands, so `config` is always whole; it must be used only when `usable()`.
// Reads the clock of nothing and no network; runs on main or the control thread, never on a worker.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace edgesentry::config {

struct Loaded {
  Config config;
  std::vector<Problem> problems;  // in the order of the file

  // True when a program may start with it: what there is are warnings.
  [[nodiscard]] bool usable() const;
  [[nodiscard]] std::size_t warnings() const;
  // One problem a line, for logs and terminals, warnings marked; empty when there is none.
  [[nodiscard]] std::string to_string() const;
};

Loaded load_file(const std::string& path);
// `name` stands in messages, and relative paths in the text start from its directory.
Loaded load_text(std::string_view text, const std::string& name);

}  // namespace edgesentry::config
