// DPDK's own log, bridged: warnings and worse reach the operator as lines of ours, the rest is
// dropped, and the last few lines are kept to explain a start that failed.
//
// Any thread may write (DPDK's drivers do); a lock guards the few lines kept. Install before
// rte_eal_init(), keep alive until after rte_eal_cleanup().
#pragma once

#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace edgesentry::nic {

class EalLog {
 public:
  using Sink = std::function<void(std::string_view line)>;

  EalLog() = default;
  ~EalLog();
  EalLog(const EalLog&) = delete;
  EalLog& operator=(const EalLog&) = delete;

  base::Status install();
  // Warnings from now on go to `sink`; before that they are only kept.
  void forward_to(Sink sink);
  // The warnings and errors kept, oldest first, joined by "; ".
  [[nodiscard]] std::string recent() const;

 private:
  static ssize_t write(void* self, const char* bytes, std::size_t size);
  void take(std::string_view text);

  static constexpr std::size_t kLinesKept = 8;
  std::FILE* stream_ = nullptr;
  mutable std::mutex lock_;
  std::deque<std::string> lines_;
  Sink sink_;
};

}  // namespace edgesentry::nic
