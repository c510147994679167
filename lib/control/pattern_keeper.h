// The patterns in force, as the control thread asks for them. Reading, compiling and trying them
// takes a second, so the appliance does it on a thread of its own (app/edgesentryd/payloads.h)
// while alerts are drained; the workers take them over without waiting.
//
// All of it is called by the control thread; nothing here waits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace edgesentry::control {

// What came of a read. With problems nothing of the new configuration is taken.
struct PatternsRead {
  std::vector<std::string> problems;  // file, line, fault and remedy of each
  std::vector<std::string> notices;
  bool is_new = false;  // other patterns than those in force
};

struct PatternsView {
  bool is_looking = false;  // payloads are looked at
  std::string path;
  std::size_t count = 0;
  std::string trouble;  // what does not work as it is configured, and the remedy; empty: nothing
};

class PatternKeeper {
 public:
  virtual ~PatternKeeper() = default;
  // Begins to read what `payload` names; one at a time, until outcome() gives what came of it.
  virtual void read(const config::Payload& payload) = 0;
  [[nodiscard]] virtual std::optional<PatternsRead> outcome() = 0;
  // The workers take what was read last; otherwise it is dropped by the next read.
  virtual void adopt() = 0;
  // Each round: frees what the workers gave up.
  virtual void collect() = 0;
  [[nodiscard]] virtual PatternsView view() const = 0;
};

}  // namespace edgesentry::control
