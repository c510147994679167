#include "replay_settings.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "config/ignore_file.h"
#include "config/load.h"
#include "pattern_source.h"
#include "policy/never_ban.h"
#include "policy/thresholds.h"

namespace edgesentry::cli {
namespace {

using base::Error;
using base::Result;

Result<std::vector<base::Prefix>> parse_prefixes(const std::vector<std::string>& texts,
                                                 std::string_view option) {
  std::vector<base::Prefix> out;
  for (const std::string& text : texts) {
    const auto prefix = base::Prefix::parse(text);
    if (!prefix)
      return Error{
          fmt::format("{} {}: not an address or CIDR block; write 192.0.2.0/24", option, text)};
    out.push_back(*prefix);
  }
  return out;
}

Result<policy::AllowLists> allow_lists(const config::Allow& allow,
                                       const std::vector<base::Prefix>& from_command_line) {
  policy::AllowLists lists;
  for (const base::Prefix& prefix : allow.networks)
    lists.configured.push_back({prefix, policy::Exempt::allowed_by_config});
  for (const base::Prefix& prefix : from_command_line)
    lists.live.push_back({prefix, policy::Exempt::allowed_live});
  lists.never_ban = policy::compute_never_ban({}, {false, false, false});
  if (allow.file.empty()) return lists;
  const config::IgnoreFile file = config::load_ignore(allow.file);
  for (const config::Problem& problem : file.problems) {
    if (problem.fatal) return Error{problem.to_string()};
    fmt::print(stderr, "edgesentry: {}\n", problem.to_string());
  }
  for (const base::Prefix& prefix : file.prefixes)
    lists.file.push_back({prefix, policy::Exempt::allowed_by_file});
  return lists;
}

}  // namespace

Result<replay::ReplayOptions> replay_settings(const ReplayArguments& arguments) {
  config::Config config;
  if (!arguments.config_path.empty()) {
    config::Loaded loaded = config::load_file(arguments.config_path);
    if (!loaded.usable()) return Error{loaded.to_string()};
    config = std::move(loaded.config);
  }
  auto inside = parse_prefixes(arguments.inside, "--inside");
  if (!inside) return inside.error();
  const auto allowed = parse_prefixes(arguments.allow, "--allow");
  if (!allowed) return allowed.error();
  const auto lists = allow_lists(config.allow, allowed.value());
  if (!lists) return lists.error();
  if (!inside.value().empty()) config.networks.inside = std::move(inside).value();

  replay::ReplayOptions options;
  options.exempt = policy::Exemptions(lists.value(), config.table.ipv6_prefix);
  options.detection.thresholds = policy::thresholds_of(config.detect);
  options.detection.watched_tcp = config.detect.watched_tcp;
  options.detection.watched_udp = config.detect.watched_udp;
  options.detection.allow = options.exempt.set();
  options.detection.inside = base::CidrSet(config.networks.inside);
  options.detection.dark = base::CidrSet(config.networks.dark);
  options.detection.services = policy::services_of(config.networks);
  options.detection.ipv6_prefix = config.table.ipv6_prefix;
  if (!config.block.ladder.empty()) options.ledger.ladder = config.block.ladder;
  options.ledger.forget_after = config.block.forget_after;
  options.ledger.ipv6_prefix = config.table.ipv6_prefix;
  options.blocks_per_minute_max = config.block.per_minute_max;
  options.workers = arguments.workers;
  // Housekeeping comes round to each of 8192 suspects within three seconds of ticks.
  options.run_on = options.detection.thresholds.answer_timeout + base::seconds(4);
  if (!arguments.skips_payloads) {
    auto patterns = open_patterns(arguments.patterns_path);
    if (!patterns) return patterns.error();
    options.patterns = std::move(patterns).value();
  }
  if (arguments.run_on_seconds)
    options.run_on = {static_cast<std::uint64_t>(*arguments.run_on_seconds * 1e6)};
  return options;
}

}  // namespace edgesentry::cli
