// Where the patterns are: named by whoever runs the program, or beside it. One call from a path to
// a database in force; the program, the appliance and `edgesentry check` share it, so that all say
// the same of a faulty file.
//
// One thread at a time, at start and for a reload. An installed program finds its file in
// ../share/edgesentry, one that was just built in ../config of its build folder: both by the place
// of the program itself, so that a tree may be moved.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/problem.h"
#include "signature/database.h"

namespace edgesentry::signature {

// Empty: there is no such file.
[[nodiscard]] std::string find_patterns();

struct PatternRequest {
  std::string path;          // empty: the file beside the program
  std::string cache_folder;  // made where it is missing; empty: nothing is kept
  bool is_verified = false;  // run each pattern over its own payloads
  // Fingerprint of the file in force: when it is the same, nothing is compiled. 0: none is.
  std::uint64_t in_force = 0;
};

struct OpenedPatterns {
  std::string path;                          // of the file that was read; empty: there is none
  std::shared_ptr<const Database> database;  // nullptr: no file, or problems say why
  std::vector<config::Problem> problems;
  std::vector<std::string> notices;  // patterns are in force, but an operator may want to know
  std::string trouble;               // the one of them that remains until something is done
  std::uint64_t fingerprint = 0;     // of the file
  bool is_in_force = false;          // as PatternRequest::in_force says; there is no database then

  [[nodiscard]] std::string problem_lines() const;
};
[[nodiscard]] OpenedPatterns open_patterns(const PatternRequest& request);

}  // namespace edgesentry::signature
