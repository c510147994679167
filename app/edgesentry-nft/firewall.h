// The own tables in the kernel: kept as they should be, their elements changed in one transaction
// each. Touches nothing else: every command names a table of ours.
//
// One thread. What the kernel refuses is an Error with its words.
#pragma once

#include <nftables/libnftables.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "edgesentry-nft/kernel.h"
#include "edgesentry-nft/ruleset.h"
#include "enforce/filter.h"
#include "enforce/leftover.h"

namespace edgesentry::nft {

class Firewall final : public enforce::Filter {
 public:
  static base::Result<std::unique_ptr<Firewall>> open(Settings settings);

  base::Result<bool> mend() override;
  std::optional<enforce::FilterCounts> count_when_due(
      std::span<const enforce::NftElement> sample) override;
  base::Result<bool> change(std::span<const enforce::NftElement> elements) override;
  void begin() override;
  // Deletes nothing where the tables hold too many to read them all: what should not be there then
  // ends by its own time limit.
  base::Status sweep() override;
  base::Status pass() override { return remove(); }
  base::Status remove() override;
  [[nodiscard]] std::uint64_t drops() const override { return drops_; }
  // Of an earlier run, in a family of tables; nothing: there is none, or it belongs to another.
  // Removes it where these settings do not want it and no running program keeps it.
  base::Result<std::optional<enforce::Leftover>> sweep_earlier(const std::string& family);

 private:
  using Clock = std::chrono::steady_clock;
  struct Free {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
  };

  Firewall(Settings settings, Kernel kernel, nft_ctx* context);
  base::Status run(const std::string& commands);
  base::Result<Json> list(const std::string& family);
  base::Result<bool> mend_table(const std::string& family);
  base::Error refused(const std::string& family, const base::Error& error);
  base::Status commit(std::span<const enforce::NftElement> elements);
  base::Result<std::optional<std::vector<base::Ip>>> held(const std::string& family);
  void read_drops();
  base::Result<std::uint64_t> missing(std::span<const enforce::NftElement> sample);

  const Settings settings_;
  const std::vector<std::string> families_;
  Kernel kernel_;
  std::unique_ptr<nft_ctx, Free> context_;
  std::vector<Device> devices_;
  // Of the ruleset when our tables were last known to be right; empty: look.
  std::optional<std::uint32_t> generation_;
  bool is_count_due_ = true;
  Clock::time_point count_again_{};
  std::uint64_t drops_ = 0;  // when they were last counted
  std::optional<std::unordered_set<base::Ip, base::IpHash>> ordered_;  // since begin()
};

}  // namespace edgesentry::nft
