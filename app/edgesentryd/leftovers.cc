#include "edgesentryd/leftovers.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <chrono>
#include <memory>
#include <utility>

#include "config/xdp.h"
#include "edgesentryd/controller.h"
#include "enforce/leftover.h"
#include "guard/capabilities.h"
#include "guard/companion.h"

namespace edgesentry::appliance {
namespace {

using Found = base::Result<std::vector<enforce::Leftover>>;

// Deleting a million elements takes 0.6 s.
constexpr std::chrono::seconds kSweepLimit{10};

Found run_sweeper(const std::vector<std::string>& words) {
  if (!guard::permitted_capabilities().has(CAP_NET_ADMIN))
    return base::Error{"this process has no CAP_NET_ADMIN"};
  const auto sweeper = guard::Companion::start(words, 1);
  if (!sweeper) return sweeper.error();
  return enforce::collect_leftovers(sweeper.value()->socket(0), kSweepLimit);
}

std::vector<std::string> words_of(enforce::NftProcess::Settings settings) {
  settings.options.emplace_back("--sweep");
  return enforce::NftProcess::arguments(settings);
}

// True: nothing is where something is wanted.
bool take(const Found& found, const char* things, Swept& swept) {
  if (!found) {
    swept.told.push_back(
        fmt::format("it cannot be told whether an earlier run left {} that still drop: {}", things,
                    found.error().text));
    return false;
  }
  bool is_absent = true;
  for (const enforce::Leftover& each : found.value()) {
    is_absent = is_absent && each.kind != enforce::Leftover::Kind::present;
    if (each.kind == enforce::Leftover::Kind::present) continue;
    swept.told.push_back(each.text);
    if (each.kind == enforce::Leftover::Kind::left)
      swept.left_behind += (swept.left_behind.empty() ? "" : "; ") + each.text;
  }
  return is_absent;
}

}  // namespace

Swept sweep_leftovers(const config::Config& config, bool has_xdp, const SaySwept& say) {
  enforce::NftProcess::Settings tables = nft_settings(config);
  if (nftables_hooks(config) == config::Nftables::off) {
    tables.has_inet = false;
    tables.devices.clear();
  }
  enforce::NftProcess::Settings programs{
      .program = enforce::beside_this_program("edgesentry-xdp"),
      .has_inet = false,
      .devices = has_xdp ? config::xdp_interfaces(config) : std::vector<std::string>(),
      .options = {}};
  Swept swept;
  swept.has_no_tables = take(run_sweeper(words_of(std::move(tables))), "nftables tables", swept);
  swept.has_no_programs = take(run_sweeper(words_of(std::move(programs))), "XDP programs", swept);
  for (const std::string& sentence : swept.told) say(sentence);
  return swept;
}

}  // namespace edgesentry::appliance
