// The patterns that workers look into packets with, as [payload] names them: opened at start, and
// exchanged by reloads while packets flow.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "control/pattern_keeper.h"
#include "payload/watch.h"
#include "signature/pattern_source.h"

namespace edgesentry::appliance {

// Without a database: payloads are left alone, by configuration or for want of a file, which is
// said. The error has a line for each fault of the file, as `edgesentry check` prints them. Root
// that becomes another user (`has_heir`) leaves the cache alone: it is that user's, who could have
// written anything there, and Hyperscan does not check what it takes out of it.
[[nodiscard]] base::Result<signature::OpenedPatterns> open_patterns(
    const config::Payload& payload, bool has_heir,
    const std::function<void(std::string_view)>& say);

// Owned by main, between the plane, whose workers use the patterns, and the control thread, which
// calls everything here. A thread of its own reads, compiles, tries, and takes the memory of each
// worker; it touches nothing that is in force.
class Payloads final : public control::PatternKeeper {
 public:
  using Watches = std::span<const std::unique_ptr<payload::Watch>>;

  Payloads(const signature::OpenedPatterns& opened, Watches watches);
  ~Payloads() override;
  Payloads(const Payloads&) = delete;
  Payloads& operator=(const Payloads&) = delete;

  void read(const config::Payload& payload) override;
  [[nodiscard]] std::optional<control::PatternsRead> outcome() override;
  void adopt() override;
  void collect() override;
  [[nodiscard]] control::PatternsView view() const override { return view_; }

 private:
  struct Work {
    config::Payload payload;
    std::uint64_t in_force = 0;
    signature::OpenedPatterns opened;
    std::vector<std::unique_ptr<payload::Lens>> lenses;  // [i] is worker i's
    std::vector<std::string> problems;
    std::atomic<bool> is_done{false};  // release by the thread, acquire by outcome()
  };
  void work(Work& work) const;
  void prepare(Work& work) const;

  Watches watches_;
  control::PatternsView view_;
  std::uint64_t in_force_ = 0;  // fingerprint of the file
  std::unique_ptr<Work> work_;
  std::thread thread_;
};

}  // namespace edgesentry::appliance
