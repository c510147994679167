#include "config/validate.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "config/device.h"
#include "config/duration.h"
#include "config/field_slots.h"
#include "config/ignore_file.h"
#include "config/listen_address.h"
#include "config/xdp.h"

namespace edgesentry::config {
namespace {

using Problems = std::vector<Problem>;

void check_dpdk(const Config& config, const Origins& origins, Problems& problems) {
  const bool is_plain = std::ranges::all_of(config.dpdk.file_prefix, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!is_plain)
    problems.push_back(about(origins, "dpdk.file_prefix", "becomes a part of file names",
                             "Use letters, digits, - and _ only"));
}

void check_workers(const Config& config, const Origins& origins, Problems& problems) {
  const Workers& workers = config.workers;
  const bool is_known =
      !origins.is_spoiled("workers.cores") && !origins.is_spoiled("workers.count");
  if (is_known && !workers.cores.empty() && workers.cores.size() != workers.count)
    problems.push_back(
        about(origins, "workers.cores",
              fmt::format("names {} cores for {} workers", workers.cores.size(), workers.count),
              "Name one core for each of workers.count, or leave the list empty"));
  std::set<std::uint16_t> seen;
  for (const std::uint16_t core : workers.cores)
    if (!seen.insert(core).second)
      problems.push_back(about(origins, "workers.cores", fmt::format("names core {} twice", core),
                               "Give each worker a core of its own"));
}

void check_window(const Config& config, const Origins& origins, Problems& problems) {
  if (origins.is_spoiled("detect.window") || origins.is_spoiled("detect.answer_timeout")) return;
  if (config.detect.answer_timeout < config.detect.window) return;
  const std::string key =
      origins.gives("detect.answer_timeout") ? "detect.answer_timeout" : "detect.window";
  problems.push_back(about(
      origins, key,
      fmt::format("an answer_timeout of {} is not shorter than a window of {}, so that no silence "
                  "would ever count",
                  format_duration(config.detect.answer_timeout),
                  format_duration(config.detect.window)),
      "Write an answer_timeout of a few seconds, or a longer window"));
}

// The key of the two that the file gives, for the complaint to point at.
std::string given_of(const Origins& origins, const std::string& key, const std::string& other) {
  return origins.gives(key) ? key : other;
}

void check_sequential_test(const Config& config, const Origins& origins, Problems& problems) {
  const Detect& d = config.detect;
  const auto is_known = [&](std::string_view name) {
    return !origins.is_spoiled("detect." + std::string(name));
  };
  if (!is_known("benign_success") || !is_known("scanner_success")) return;
  if (d.scanner_success >= d.benign_success) {
    problems.push_back(about(
        origins, given_of(origins, "detect.scanner_success", "detect.benign_success"),
        fmt::format("scanners are said to succeed in {} of their attempts and others in {}, so "
                    "that no failure would speak against anybody",
                    d.scanner_success, d.benign_success),
        "Write a scanner_success that is smaller than benign_success"));
    return;
  }
  if (!is_known("false_positive") || !is_known("detection")) return;
  const double failures = std::log(d.detection / d.false_positive) /
                          std::log((1 - d.scanner_success) / (1 - d.benign_success));
  if (failures <= kContacts) return;
  problems.push_back(about(
      origins, given_of(origins, "detect.false_positive", "detect.benign_success"),
      fmt::format("{:.0f} failures in a row would be needed, and the record of a source holds "
                  "{} attempts",
                  std::ceil(failures), kContacts),
      "Write a larger false_positive, or a benign_success further from scanner_success"));
}

void check_ladder(const Config& config, const Origins& origins, Problems& problems) {
  const auto& ladder = config.block.ladder;
  if (origins.is_spoiled("block.ladder")) return;
  if (ladder.empty())
    problems.push_back(
        about(origins, "block.ladder", "is empty, so that no block would last",
              "Write at least one duration, for example ladder = [\"10m\", \"1h\"]"));
  const auto step = std::ranges::adjacent_find(ladder, std::ranges::greater_equal{});
  if (step != ladder.end())
    problems.push_back(about(
        origins, "block.ladder",
        fmt::format("{} is followed by {}", format_duration(*step), format_duration(*(step + 1))),
        "Let each block last longer than the one before; the last one repeats"));
}

void check_allow(const Config& config, const Origins& origins, Problems& problems) {
  if (config.allow.file.empty() || origins.is_spoiled("allow.file")) return;
  IgnoreFile ignored = load_ignore(config.allow.file);
  for (Problem& problem : ignored.problems) {
    // A file that cannot be read at all is the fault of the key that names it.
    if (problem.line == 0)
      problem = about(origins, "allow.file", config.allow.file + " " + problem.fault,
                      problem.remedy + ", or write file = \"\"");
    problems.push_back(std::move(problem));
  }
}

void check_absolute(const Origins& origins, const std::string& key, const std::string& path,
                    Problems& problems) {
  if (path.empty() || path.front() == '/') return;
  problems.push_back(about(origins, key, "\"" + path + "\" is not an absolute path",
                           "Begin it with /, because a service has no useful current directory"));
}

void check_paths(const Config& config, const Origins& origins, Problems& problems) {
  check_absolute(origins, "log.portsentry_file", config.log.portsentry_file, problems);
  check_absolute(origins, "log.json_file", config.log.json_file, problems);
  check_absolute(origins, "state.file", config.state.file, problems);
  check_absolute(origins, "log.block_command", config.log.block_command, problems);
  check_absolute(origins, "payload.cache", config.payload.cache, problems);
  check_absolute(origins, "control.socket", config.control.socket, problems);
  if (config.control.socket.ends_with('/'))
    problems.push_back(
        about(origins, "control.socket", "names a directory", "Add the socket's file name"));
}

// The folder itself, or of those above it the nearest that is there.
std::string nearest_place(std::string path) {
  struct stat about {};
  while (path.size() > 1 && stat(path.c_str(), &about) != 0 && errno == ENOENT) {
    const auto slash = path.find_last_of('/');
    path.resize(std::max<std::size_t>(slash == std::string::npos ? 0 : slash, 1));
  }
  return path;
}

// A default folder that is missing is the package's affair. Whether a user may write is asked only
// of one who would be refused as the daemon's: root, or whom the place belongs to.
void check_cache(const Config& config, const Origins& origins, Problems& problems) {
  const std::string& folder = config.payload.cache;
  if (!config.payload.enabled || folder.empty() || folder.front() != '/' ||
      !origins.gives("payload.cache"))
    return;
  const std::string place = nearest_place(folder);
  std::string fault;
  struct stat found {};
  if (stat(place.c_str(), &found) != 0)
    fault = errno == EACCES ? "" : fmt::format("{}: {}", place, std::strerror(errno));
  else if (!S_ISDIR(found.st_mode))
    fault = place + " is not a directory";
  else if (access(place.c_str(), W_OK | X_OK) != 0 &&
           (errno == EROFS || geteuid() == 0 || geteuid() == found.st_uid))
    fault = fmt::format("{} cannot be written: {}", place, std::strerror(errno));
  if (fault.empty()) return;
  Problem problem =
      about(origins, "payload.cache", fault + ", so that patterns are compiled at each start",
            "Name a folder that the daemon can write, or write cache = \"\"");
  problem.fatal = false;
  problems.push_back(std::move(problem));
}

void check_group(const Config& config, const Origins& origins, Problems& problems) {
  const std::string& name = config.control.socket_group;
  if (name.empty() || origins.is_spoiled("control.socket_group")) return;
  std::array<char, 16'384> text{};
  group entry{};
  group* found = nullptr;
  const int fault = getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  if (found == nullptr && fault == 0)
    problems.push_back(about(origins, "control.socket_group",
                             "this machine has no group \"" + name + "\"",
                             "Create it with: groupadd --system " + name));
}

void check_nftables(const Config& config, const Origins& origins, Problems& problems) {
  const Enforce& enforce = config.enforce;
  if (origins.is_spoiled("enforce.nftables") || origins.is_spoiled("enforce.nftables_devices"))
    return;
  const bool needs_devices =
      enforce.nftables == Nftables::netdev || enforce.nftables == Nftables::both;
  if (needs_devices && enforce.nftables_devices.empty())
    problems.push_back(about(origins, "enforce.nftables",
                             "needs interfaces, and enforce.nftables_devices names none",
                             "Name them, for example nftables_devices = [\"eth0\"]"));
  if (!needs_devices && !enforce.nftables_devices.empty())
    problems.push_back(about(origins, "enforce.nftables_devices",
                             "has no use while enforce.nftables is neither netdev nor both",
                             "Remove it, or write nftables = \"both\""));
}

void check_xdp(const Config& config, const Origins& origins, Problems& problems) {
  const Enforce& enforce = config.enforce;
  if (origins.is_spoiled("enforce.xdp") || origins.is_spoiled("enforce.xdp_devices") ||
      origins.is_spoiled("placement"))
    return;
  const bool is_nowhere = xdp_interfaces(config).empty();
  if (enforce.xdp == Xdp::on && is_nowhere)
    problems.push_back(about(origins, "enforce.xdp",
                             "needs interfaces, and enforce.xdp_devices names none",
                             "Name them, for example xdp_devices = [\"eth0\"]"));
  if (!enforce.xdp_devices.empty() && is_nowhere)
    problems.push_back(about(origins, "enforce.xdp_devices",
                             "has no use unless enforce.xdp is on, or the placement is host",
                             "Remove it, or write xdp = \"on\""));
}

// Names of interfaces as they stand in the two lists.
void check_devices(const Config& config, const Origins& origins, Problems& problems) {
  const auto check = [&](const std::string& key, const std::vector<std::string>& names) {
    if (origins.is_spoiled(key)) return;
    for (const std::string& name : names)
      if (device_kind(name) != DeviceKind::interface)
        problems.push_back(about(origins, key, "\"" + name + "\" is no name of an interface",
                                 "Write kernel interfaces, at most 15 letters each, such as "
                                 "\"eth0\""));
  };
  check("enforce.nftables_devices", config.enforce.nftables_devices);
  check("enforce.xdp_devices", config.enforce.xdp_devices);
}

void check_rte_flow(const Config& config, const Origins& origins, Problems& problems) {
  if (origins.is_spoiled("enforce.rte_flow") || origins.is_spoiled("placement")) return;
  if (config.enforce.rte_flow == RteFlow::on && config.placement != Placement::inline_)
    problems.push_back(about(origins, "enforce.rte_flow",
                             "has no use unless the placement is inline: nothing passes here",
                             "Remove it, or see enforce.nftables"));
}

void check_listen(const Config& config, const Origins& origins, Problems& problems) {
  if (config.metrics.listen.empty() || origins.is_spoiled("metrics.listen")) return;
  const auto address = parse_listen(config.metrics.listen);
  if (!address.ok())
    problems.push_back(about(origins, "metrics.listen", address.error().text,
                             "Write an IPv4 address and a port, for example "
                             "listen = \"127.0.0.1:9465\""));
}

}  // namespace

Problem about(const Origins& origins, const std::string& key, std::string fault,
              std::string remedy) {
  const Position place = origins.place_of(key);
  return {origins.file, place.line, place.column, key, std::move(fault), std::move(remedy)};
}

void validate(const Config& config, const Origins& origins, Problems& problems) {
  constexpr std::array kRules = {
      validate_segments, check_dpdk,     check_workers,  check_window,       check_sequential_test,
      check_ladder,      check_allow,    check_paths,    check_cache,        check_group,
      check_listen,      check_nftables, check_xdp,      check_rte_flow,     validate_verify,
      validate_places,   validate_api,   validate_paths, validate_privilege, check_devices,
      validate_eal};
  for (const auto rule : kRules) rule(config, origins, problems);
}

}  // namespace edgesentry::config
