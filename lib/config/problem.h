// One thing that is wrong with a file an operator wrote: where, what, and what to write instead.
//
// Every reader in this folder collects all problems of a file instead of stopping at the first.
// Plain values; any thread.
#pragma once

#include <string>
#include <vector>

namespace edgesentry::config {

struct Problem {
  std::string file;
  unsigned line = 0;    // 1 is the first; 0: the fault is the file's, not a line's
  unsigned column = 0;  // in characters, 1 is the first; 0: the whole line
  std::string key;      // "detect.window", "segment[0].inside"; empty when no key is concerned
  std::string fault;
  std::string remedy;
  // False, a warning: it starts all the same (a bad line of the ignore file is left out).
  bool fatal = true;

  // "edgesentry.toml:12:10: detect.window: 3h is above 2h. Write ..."
  [[nodiscard]] std::string to_string() const;
  // The same, and a warning says that it is one: "edgesentry.toml:12:10: warning: ...".
  [[nodiscard]] std::string to_line() const;
  friend bool operator==(const Problem&, const Problem&) = default;
};

// Sorts by file place and removes what was said twice.
void put_in_order(std::vector<Problem>& problems);

}  // namespace edgesentry::config
