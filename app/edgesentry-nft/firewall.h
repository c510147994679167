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

namespace edgesentry::nft {

struct Counts {
  bool are_counted = false;  // else there are too many to count
  std::uint64_t fewest = 0;  // elements of blocked4 and blocked6 together, table by table
  std::uint64_t most = 0;
  std::uint64_t missing = 0;  // of the sample
};

class Firewall {
 public:
  static base::Result<std::unique_ptr<Firewall>> open(Settings settings);

  // True: something was missing or not as it should be, and is again.
  base::Result<bool> mend();
  // Looks at the elements only when somebody else changed the ruleset or some time has passed.
  std::optional<Counts> count_when_due(std::span<const enforce::NftElement> sample);
  // True: a table had to be mended before the batch could be taken.
  base::Result<bool> change(std::span<const enforce::NftElement> elements);
  // Between begin() and sweep(): all that is to be blocked comes by change(). What the tables hold
  // beside it is deleted by sweep(), unless it holds too many to read them all: then what should
  // not be there ends by its own time limit.
  void begin();
  base::Status sweep();
  base::Status remove();

 private:
  using Clock = std::chrono::steady_clock;
  struct Free {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
  };

  Firewall(Settings settings, Kernel kernel, nft_ctx* context);
  base::Status run(const std::string& commands);
  base::Result<Json> list(const std::string& family);
  base::Result<bool> mend_table(const std::string& family);
  base::Status commit(std::span<const enforce::NftElement> elements);
  base::Result<std::optional<std::vector<base::Ip>>> held(const std::string& family);
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
  std::optional<std::unordered_set<base::Ip, base::IpHash>> ordered_;  // since begin()
};

}  // namespace edgesentry::nft
