#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>

#include "config/device.h"
#include "config/xdp.h"
#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

constexpr std::string_view kArea = "rights";

bool has_pci(const Patient& patient) {
  return std::ranges::any_of(patient.ports, [](const machine::PortPlace& port) {
    return config::device_kind(std::string_view(port.device).substr(0, port.device.find(','))) ==
           config::DeviceKind::pci;
  });
}

Finding check_capabilities(const Patient& patient) {
  Finding finding{.area = kArea, .check = "capabilities", .found = ""};
  if (patient.is_running()) {
    const nlohmann::json user = patient.said("/privilege/user");
    finding.found = fmt::format("edgesentryd has what it needs, and runs as {}",
                                user.is_string() ? user.get<std::string>().substr(0, 64) : "?");
    return finding;
  }
  const std::string status = patient.tree.text("/proc/self/status").value_or("");
  const auto bits = machine::to_number(machine::value_of(status, "CapEff"), 16);
  if (!bits) {
    finding.status = Status::unknown;
    finding.found = "the kernel does not say which this user has";
    return finding;
  }
  constexpr std::array<std::pair<int, std::string_view>, 4> kWanted = {
      {{CAP_NET_RAW, "CAP_NET_RAW"},
       {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
       {CAP_IPC_LOCK, "CAP_IPC_LOCK"},
       {CAP_SYS_NICE, "CAP_SYS_NICE"}}};
  std::vector<std::string_view> missing;
  for (const auto& [number, name] : kWanted)
    if ((*bits >> number & 1) == 0) missing.push_back(name);
  if (missing.empty()) {
    finding.found = "this user may open packet sockets and devices, and pin memory";
    return finding;
  }
  finding.status = Status::warn;
  finding.found = fmt::format("this user lacks {}", fmt::join(missing, ", "));
  finding.why = "edgesentryd started by this user opens no interface; the unit starts it as root";
  finding.fix = "systemctl start edgesentryd, or sudo";
  return finding;
}

Finding check_memlock(const Patient& patient) {
  Finding finding{.area = kArea, .check = "locked memory", .found = ""};
  const std::string limits = patient.tree.text("/proc/self/limits").value_or("");
  const auto words = machine::words_of(machine::value_of(limits, "Max locked memory"));
  if (words.empty()) {
    finding.status = Status::unknown;
    finding.found = "the kernel does not say";
    return finding;
  }
  const auto bytes = machine::to_number(words.front());
  finding.found = bytes ? fmt::format("this user may lock {} MiB", *bytes >> 20)
                        : "this user may lock all memory";
  const bool matters = has_pci(patient) || !config::xdp_interfaces(patient.config).empty();
  const std::uint64_t wanted = patient.need.huge;
  if (!bytes || !matters || patient.is_running() || static_cast<std::uint64_t>(*bytes) >= wanted) {
    if (!matters) finding.found += "; these devices need none";
    return finding;
  }
  finding.status = Status::warn;
  finding.why = fmt::format("devices write into {} MiB that must stay in place", wanted >> 20);
  finding.fix = "LimitMEMLOCK=infinity in the unit (the sample has it), or ulimit -l unlimited";
  return finding;
}

Finding check_user(const Patient& patient) {
  Finding finding{.area = kArea, .check = "user", .found = ""};
  const std::string& wanted = patient.config.privilege.user;
  const std::string name = wanted == "automatic" ? "edgesentry" : wanted;
  if (name.empty()) {
    finding.found = "[privilege] user names nobody: it stays who has started it";
    return finding;
  }
  const auto users = patient.tree.text("/etc/passwd");
  if (!users || machine::to_number(name)) {
    finding.status = users ? Status::ok : Status::unknown;
    finding.found = users ? "edgesentryd becomes user " + name : "the users cannot be read";
    return finding;
  }
  const bool is_there =
      users->starts_with(name + ":") || users->find("\n" + name + ":") != std::string::npos;
  finding.found = is_there ? fmt::format("edgesentryd becomes {} once its devices are open", name)
                           : fmt::format("there is no user {}", name);
  if (is_there) return finding;
  finding.status = wanted == "automatic" ? Status::warn : Status::fail;
  finding.why = wanted == "automatic" ? "edgesentryd, which reads what strangers send, remains root"
                                      : "edgesentryd does not start";
  finding.fix = fmt::format("useradd --system --no-create-home --shell /usr/sbin/nologin {}", name);
  return finding;
}

}  // namespace

Findings check_rights(const Patient& patient) {
  return {check_capabilities(patient), check_memlock(patient), check_user(patient)};
}

Findings check_kernel(const Patient& patient) {
  constexpr std::string_view kKernel = "kernel";
  const config::Config& config = patient.config;
  const bool is_host = config.placement == config::Placement::host;
  Findings all;
  const bool wants_nft = config.enforce.nftables != config::Nftables::off &&
                         (is_host || config.enforce.nftables != config::Nftables::automatic);
  const std::string release = patient.tree.line("/proc/sys/kernel/osrelease").value_or("");
  const bool is_name = !release.empty() && release.find('/') == release.npos;
  if (wants_nft) {
    Finding finding{.area = kKernel, .check = "nftables", .found = ""};
    const std::string modules = is_name ? "/lib/modules/" + release : "";
    const auto lists = [&](const char* file) {
      return !modules.empty() &&
             patient.tree.text(modules + file).value_or("").find("/nf_tables.ko") !=
                 std::string::npos;
    };
    if (patient.tree.has("/sys/module/nf_tables")) {
      finding.found = "nf_tables is loaded";
    } else if (lists("/modules.builtin") || lists("/modules.dep")) {
      finding.found = "nf_tables is there, and is loaded when it is needed";
    } else {
      finding.status = Status::unknown;
      finding.found = "nf_tables is neither loaded nor among the modules of this kernel";
      finding.why = "it may be built in; without it nothing is dropped on this machine";
      finding.fix = "nft list tables";
    }
    all.push_back(std::move(finding));
  }
  if (!config::xdp_interfaces(config).empty()) {
    Finding finding{.area = kKernel, .check = "XDP", .found = ""};
    const auto compiles = patient.tree.number("/proc/sys/net/core/bpf_jit_enable");
    if (!compiles) {
      finding.status = Status::unknown;
      finding.found = "the kernel does not show whether it compiles BPF";
    } else if (*compiles == 0) {
      finding.status = Status::warn;
      finding.found = "BPF is interpreted";
      finding.why = "each packet costs several times as much before it is dropped";
      finding.fix = "sysctl -w net.core.bpf_jit_enable=1";
    } else {
      finding.found = "BPF is compiled";
    }
    all.push_back(std::move(finding));
  }
  if (all.empty())
    all.push_back({.area = kKernel,
                   .check = "filters",
                   .found = "neither nftables nor XDP is asked for in this placement"});
  return all;
}

}  // namespace edgesentry::doctor
