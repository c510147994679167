#include "control/reload.h"

#include <utility>

#include "config/ignore_file.h"
#include "policy/never_ban.h"
#include "policy/thresholds.h"

namespace edgesentry::control {

namespace {

scan::Verify verify_mode(const config::Config& config) {
  switch (config.verify.mode) {
    case config::VerifyMode::off:
      return scan::Verify::off;
    case config::VerifyMode::passive:
      return scan::Verify::passive;
    case config::VerifyMode::challenge:
      break;
  }
  // Copies of packets cannot be held back, and what answered them would answer beside the target.
  return config.placement == config::Placement::inline_ ? scan::Verify::challenge
                                                        : scan::Verify::passive;
}

scan::Proof needed_proof(config::NeededProof proof, scan::Verify mode) {
  switch (proof) {
    case config::NeededProof::automatic:
      break;
    case config::NeededProof::none:
      return scan::Proof::none;
    case config::NeededProof::answer:
      return scan::Proof::answer;
    case config::NeededProof::handshake:
      return scan::Proof::handshake;
  }
  return mode == scan::Verify::challenge ? scan::Proof::answer : scan::Proof::none;
}

}  // namespace

std::vector<policy::Exemption> read_never_ban(const config::Allow& allow) {
  return policy::compute_never_ban(policy::read_never_ban_inputs(),
                                   {.own_addresses = allow.own_addresses,
                                    .gateways = allow.gateways,
                                    .resolvers = allow.resolvers});
}

AllowListsRead read_allow_lists(const config::Config& config, const NeverBanReader& never_ban) {
  AllowListsRead read;
  for (const base::Prefix& prefix : config.allow.networks)
    read.lists.configured.push_back({prefix, policy::Exempt::allowed_by_config});
  read.lists.never_ban = never_ban(config.allow);
  for (const base::Prefix& prefix : config.networks.inside)
    read.lists.never_ban.push_back({prefix, policy::Exempt::protected_network});
  if (config.allow.file.empty()) return read;
  const config::IgnoreFile file = config::load_ignore(config.allow.file);
  for (const base::Prefix& prefix : file.prefixes)
    read.lists.file.push_back({prefix, policy::Exempt::allowed_by_file});
  read.bad_lines = file.bad_lines;
  for (const config::Problem& problem : file.problems) {
    read.problems.push_back(problem.to_string());
    read.is_file_read = read.is_file_read && !problem.fatal;
  }
  return read;
}

void take_reloadable(config::Config& running, const config::Config& next) {
  running.mode = next.mode;
  running.detect = next.detect;
  running.payload.patterns = next.payload.patterns;
  running.payload.cache = next.payload.cache;
  running.networks = next.networks;
  running.verify = next.verify;
  running.block = next.block;
  running.allow = next.allow;
}

scan::Verification verification_of(const config::Config& config) {
  scan::Verification made;
  made.mode = verify_mode(config);
  made.needed = needed_proof(config.verify.proof, made.mode);
  made.deception_tcp = config.verify.deception_tcp;
  made.banner = config.verify.banner;
  made.tarpit = config.verify.tarpit;
  made.replies_per_second = config.verify.replies_per_second;
  made.replies_per_second_total = config.verify.replies_per_second_total;
  return made;
}

std::unique_ptr<scan::DetectionPolicy> make_detection_policy(const config::Config& config,
                                                             const policy::AllowLists& lists,
                                                             std::uint64_t generation) {
  auto made = std::make_unique<scan::DetectionPolicy>();
  made->thresholds = policy::thresholds_of(config.detect);
  made->watched_tcp = config.detect.watched_tcp;
  made->watched_udp = config.detect.watched_udp;
  made->allow = policy::Exemptions(lists, config.table.ipv6_prefix).set();
  made->verification = verification_of(config);
  // Elsewhere packets are seen when they have passed.
  made->holds_bursts = config.block.hold_bursts && config.placement == config::Placement::inline_;
  made->inside = base::CidrSet(config.networks.inside);
  made->dark = base::CidrSet(config.networks.dark);
  made->services = policy::services_of(config.networks);
  made->enforce = config.mode == config::Mode::enforce;
  made->ipv6_prefix = config.table.ipv6_prefix;
  made->generation = generation;
  add_stances(*made);
  return made;
}

void add_stances(scan::DetectionPolicy& policy) {
  policy.holding.reset();
  policy.open.reset();
  auto holding = std::make_shared<scan::DetectionPolicy>(policy);
  holding->makes_blocks = false;
  auto open = std::make_shared<scan::DetectionPolicy>(policy);
  open->enforce = false;
  policy.holding = std::move(holding);
  policy.open = std::move(open);
}

policy::LedgerSettings ledger_settings(const config::Config& config) {
  // A worker's table holds table.blocks sources, and every worker is told of every block.
  return {.ladder = config.block.ladder,
          .forget_after = config.block.forget_after,
          .blocks_max = config.table.blocks,
          .history_max = config.table.blocks,
          .ipv6_prefix = config.table.ipv6_prefix};
}

}  // namespace edgesentry::control
