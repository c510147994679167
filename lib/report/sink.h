// Where events end up: a file, syslog. Written to by the dispatcher's one thread, off the packet
// path.
//
// A sink that cannot write keeps a bounded amount and tries again with the next write or flush;
// what does not fit is lost and counted. Every event that a sink prints ends in exactly one number:
//   offered to it = written + limited + failed + held
#pragma once

#include <string>
#include <string_view>

#include "base/counter.h"
#include "base/result.h"
#include "report/event.h"

namespace edgesentry::report {

struct alignas(base::kCacheLine) SinkNumbers {  // written by the dispatcher's thread, read by any
  base::Counter written;
  base::Counter limited;   // coalesced into a summary because of the limit of lines per second
  base::Counter failed;    // lost: the sink could not write and its buffer was full
  base::Counter held;      // gauge: waiting for the sink to work again
  base::Counter degraded;  // gauge: 1 while the sink cannot write
};

// How one sink is, for `status`: a copy that any thread may keep.
struct SinkHealth {
  std::string name;     // as it stands in metrics
  std::string place;    // the file or socket it writes to
  std::string trouble;  // what is wrong and what to do; empty: it works
  WallTime since;       // of the trouble
  std::uint64_t written = 0, held = 0, lost = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual std::string_view place() const noexcept { return name(); }
  // An error is the sentence for the operator; the event itself is held or counted as failed.
  virtual base::Status write(const Event& event) = 0;
  // About once a second: tries what is held again, and writes the summaries that are due.
  virtual base::Status flush() = 0;
  // The last call: as flush(), with the summaries whose second is not over yet.
  virtual base::Status finish() = 0;

  [[nodiscard]] const SinkNumbers& numbers() const noexcept { return numbers_; }

 protected:
  SinkNumbers numbers_;
};

}  // namespace edgesentry::report
