// What `edgesentry replay` prints: a table per capture for people, or JSON lines for machines.
//
// JSON: the appliance's own lines for scan-detected and source-blocked, in the order in which they
// fall, and one replay-summary object at the end of the run (with several files also a replay-file
// object after each). One owner; writes to stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/replay.h"
#include "report/event.h"

namespace edgesentry::cli {

struct FileResult {
  std::string path;
  replay::ReplaySummary summary;
  std::chrono::duration<double> took{};
  std::string fault;     // cut off or damaged: replayed up to there
  bool is_read = false;  // false: `fault` says why it could not be opened
};

class ReplayView {
 public:
  virtual ~ReplayView() = default;
  virtual void event(const std::string& path, const report::Event& event) = 0;
  virtual void file_done(const FileResult& result) = 0;
  virtual void run_done(const std::vector<FileResult>& results) = 0;
};

[[nodiscard]] std::unique_ptr<ReplayView> make_json_view(bool has_several_files);
[[nodiscard]] std::unique_ptr<ReplayView> make_table_view();

}  // namespace edgesentry::cli
