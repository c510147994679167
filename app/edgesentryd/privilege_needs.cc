#include "edgesentryd/privilege_needs.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <system_error>

#include "config/listen_address.h"
#include "edgesentryd/outlets.h"
#include "nic/eal_plan.h"
#include "store/standing_file.h"

namespace edgesentry::appliance {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kPortUnprivileged = 1024;
constexpr int kCapBpf = 39;  // newer than some headers

std::vector<std::uint16_t> listened_ports(const config::Config& config) {
  std::vector<std::uint16_t> ports;
  if (!config.metrics.listen.empty())
    if (const auto address = config::parse_listen(config.metrics.listen); address.ok())
      ports.push_back(address.value().port);
  if (!config.api.listen.empty())
    if (const auto address = config::parse_api_listen(config.api.listen); address.ok())
      ports.push_back(address.value().port);
  return ports;
}

// What promiscuous mode takes to be switched off again, and net_tap to set up drop rules.
bool has_kernel_device(const config::Config& config) {
  const auto is_kernel = [](const std::string& device) {
    if (device.empty()) return false;
    return nic::kind_of(device) == nic::DeviceKind::interface ||
           device.starts_with("net_af_packet") || device.starts_with("net_tap") ||
           device.starts_with("net_af_xdp");
  };
  return std::ranges::any_of(config.segments, [&](const config::Segment& segment) {
    return is_kernel(segment.outside) || is_kernel(segment.inside);
  });
}

fs::path folder_of(const std::string& path) {
  return fs::path(path).parent_path();
}

// The file that a chain of links ends at, whose folder is where it is exchanged.
fs::path real_folder_of(const std::string& path) {
  std::error_code fault;
  const fs::path real = fs::weakly_canonical(path, fault);
  return fault ? folder_of(path) : real.parent_path();
}

bool has_xdp_device(const config::Config& config) {
  return std::ranges::any_of(config.segments, [&](const config::Segment& segment) {
    return segment.outside.starts_with("net_af_xdp") || segment.inside.starts_with("net_af_xdp");
  });
}

// What stands there and may be another's file is never handed over, nor is that recommended: only
// its folder is needed, where the file is made once the link is gone.
guard::Needed state_place(const std::string& file) {
  if (store::not_a_file(file).empty() && store::second_name(file).empty())
    return {"state.file", file, guard::Use::write};
  return {"state.file", folder_of(file), guard::Use::folder};
}

}  // namespace

std::vector<std::string> faults_of_state(const config::State& state) {
  std::vector<std::string> faults;
  if (state.file.empty()) return faults;
  std::vector<std::string> files = {state.file};
  if (state.events_mb != 0) files.push_back(events_file(state));
  for (const std::string& file : files)
    for (std::string fault : {store::not_a_file(file), store::second_name(file)})
      if (!fault.empty()) faults.push_back("state.file: " + std::move(fault));
  return faults;
}

bool needs_bpf(const config::Config& config) {
  return has_xdp_device(config);
}

base::Result<guard::Capabilities> needed_capabilities(const config::Config& config) {
  guard::Capabilities keep;
  if (has_kernel_device(config)) keep.add(CAP_NET_ADMIN);
  if (has_xdp_device(config)) keep.add(CAP_NET_RAW);
  if (needs_bpf(config)) keep.add(kCapBpf);
  if (std::ranges::any_of(listened_ports(config),
                          [](std::uint16_t port) { return port < kPortUnprivileged; }))
    keep.add(CAP_NET_BIND_SERVICE);
  for (const std::string& name : config.privilege.capabilities) {
    const auto number = guard::capability_number(name);
    if (!number)
      return base::Error{fmt::format(
          "privilege.capabilities: there is no capability \"{}\"; capabilities(7) lists them",
          name)};
    keep.add(*number);
  }
  return keep;
}

std::vector<guard::Needed> needed_places(const config::Config& config,
                                         const std::string& patterns) {
  using guard::Use;
  std::vector<guard::Needed> needed = {
      {"the configuration", config.path, Use::read},
      {"allow.file", config.allow.file, Use::read},
      {"payload.patterns", config.payload.enabled ? patterns : "", Use::read},
      {"payload.cache", config.payload.enabled ? config.payload.cache : "", Use::folder},
      {"log.portsentry_file", config.log.portsentry_file, Use::write},
      {"log.json_file", config.log.json_file, Use::write},
      state_place(config.state.file),
      {"control.socket", config.control.socket, Use::remove}};
  if (!config.state.file.empty() && config.state.events_mb != 0)
    needed.push_back(state_place(events_file(config.state)));
  // Tokens and keys of the API are read as root, once.
  std::error_code fault;
  needed.push_back({"the program", fs::read_symlink("/proc/self/exe", fault), Use::keep});
  if (const auto command = report::parse_command(config.log.block_command);
      command.ok() && !command.value().empty())
    needed.push_back({"log.block_command", command.value().front(), Use::keep});
  std::erase_if(needed, [](const guard::Needed& place) { return place.path.empty(); });
  for (guard::Needed& place : needed)
    if (const fs::path whole = fs::absolute(place.path, fault); !fault) place.path = whole;
  return needed;
}

guard::OpenPlaces places_to_leave_open(const config::Config& config,
                                       const std::vector<guard::Needed>& needed) {
  // /etc: name servers, time zone and names change there while we run. /proc and /sys: routes,
  // links and CPUs.
  guard::OpenPlaces open{.readable = {"/etc", "/proc", "/sys", "/dev/urandom",
                                      "/usr/share/zoneinfo", real_folder_of("/etc/resolv.conf")},
                         .writable = {"/dev/null"},
                         .listened_ports = listened_ports(config)};
  std::error_code fault;
  const fs::path program = fs::read_symlink("/proc/self/exe", fault);
  // Where the patterns lie that come with the program.
  for (const fs::path& folder :
       {program.parent_path(), program.parent_path().parent_path() / "share/edgesentry"})
    open.readable.push_back(folder);
  for (const guard::Needed& place : needed) {
    if (place.use == guard::Use::keep) continue;
    auto& list = place.use == guard::Use::read ? open.readable : open.writable;
    list.push_back(place.use == guard::Use::folder ? fs::path(place.path) : folder_of(place.path));
    if (place.use == guard::Use::read) list.push_back(real_folder_of(place.path));
  }
  return open;
}

}  // namespace edgesentry::appliance
