// What a running appliance says of itself. Its reply is taken for what it is: text from a socket.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kArea = "NIC granted";
constexpr std::size_t kPortsMax = 64, kTextMax = 400;

std::string text_at(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return "";
  return object[key].get<std::string>().substr(0, kTextMax);
}

std::uint64_t number_at(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_number_unsigned()
             ? object[key].get<std::uint64_t>()
             : 0;
}

std::string list_at(const Json& object, const char* key) {
  std::vector<std::string> words;
  if (object.is_object() && object.contains(key) && object[key].is_array())
    for (const Json& word : object[key])
      if (word.is_string() && words.size() < 32) words.push_back(word.get<std::string>());
  return words.empty() ? "nothing" : fmt::format("{}", fmt::join(words, ", ")).substr(0, kTextMax);
}

Finding check_spread(const Patient& patient, const Json& port, const std::string& name) {
  Finding finding{.area = kArea, .check = name + " RSS", .found = ""};
  const std::string spread = text_at(port, "spread"), driver = text_at(port, "driver");
  const std::string hashes = list_at(port, "rss"), offered = list_at(port, "rss_offered");
  if (spread == "single") {
    finding.found =
        fmt::format("one worker: nothing to spread (driver {} offers {})", driver, offered);
  } else if (spread == "by_source") {
    finding.found = fmt::format("driver {} brings each source to its worker: {}", driver, hashes);
  } else if (spread == "by_source_ipv4") {
    finding.status = Status::warn;
    finding.found =
        fmt::format("driver {} brings each IPv4 source to its worker: {}", driver, hashes);
    finding.why =
        "IPv6 sources are prefixes, which it cannot hash: workers hand those packets over";
    finding.fix =
        fmt::format("write ipv6_prefix = 128 below [table], or one of those in: {}", offered);
  } else if (spread == "handover") {
    finding.found =
        fmt::format("hand-over: driver {} hashes on {}, and offers {}", driver, hashes, offered);
    if (patient.config.placement != config::Placement::inline_) {
      finding.found += "; for a mirror port no NIC could do better";
      return finding;
    }
    finding.status = Status::warn;
    finding.why =
        "workers pass most packets to the owner of their source, which costs each of "
        "them a few tens of cycles and a ring";
    finding.fix = "lspci -nn | grep -i ethernet; NICs of ice, iavf, i40e, mlx5 hash on one address";
  } else {
    finding.status = Status::unknown;
    finding.found = "the appliance does not say how it spreads sources";
  }
  return finding;
}

Findings check_port(const Patient& patient, const Json& port) {
  const std::string label = text_at(port, "name");
  const std::string name = label.empty() ? "a port" : label;
  Findings all = {check_spread(patient, port, name)};
  const std::uint64_t queues = number_at(port, "rx_queues"), workers = patient.config.workers.count;
  Finding queue{.area = kArea, .check = name + " queues", .found = ""};
  queue.found = fmt::format("{} to receive, {} to send, of {} and {} that it has", queues,
                            number_at(port, "tx_queues"), number_at(port, "rx_queues_max"),
                            number_at(port, "tx_queues_max"));
  if (queues < workers) {
    queue.status = Status::warn;
    queue.why = fmt::format("{} of {} workers get packets only from other workers",
                            workers - std::min(queues, workers), workers);
    queue.fix = fmt::format("ethtool -L NAME combined {}, or write count = {} below [workers]",
                            workers, std::max<std::uint64_t>(queues, 1));
  }
  all.push_back(std::move(queue));
  all.push_back({.area = kArea,
                 .check = name + " checksums",
                 .found = fmt::format("it could check {}; the appliance asks for none",
                                      list_at(port, "rx_checksum"))});
  return all;
}

Finding check_flow(const Patient& patient, const Json& enforcers) {
  Finding finding{.area = kArea, .check = "rte_flow", .found = ""};
  if (patient.config.enforce.rte_flow == config::RteFlow::off) {
    finding.found = "not asked for (enforce.rte_flow = \"off\")";
    return finding;
  }
  if (patient.config.placement != config::Placement::inline_ || !enforcers.is_array()) {
    finding.found = "not used in this placement";
    return finding;
  }
  const auto row = std::ranges::find_if(
      enforcers, [](const Json& each) { return text_at(each, "name") == "rte_flow"; });
  const std::string place = row == enforcers.end() ? "" : text_at(*row, "place");
  if (place.empty()) {
    finding.status = Status::unknown;
    finding.found = "the appliance does not say";
    return finding;
  }
  finding.found = place;
  if (place.find("not on") == place.npos) return finding;
  finding.found += "; the workers drop instead";
  if (patient.config.enforce.rte_flow != config::RteFlow::on) return finding;
  finding.status = Status::warn;
  finding.why =
      "enforce.rte_flow = \"on\" asks for it, and packets of blocked sources reach a worker";
  finding.fix = "write rte_flow = \"automatic\" below [enforce], or use a NIC that can";
  return finding;
}

Finding check_failures(const Json& failures) {
  Finding finding{.area = "appliance", .check = "failures", .found = "none now"};
  if (!failures.is_array() || failures.empty()) return finding;
  std::vector<std::string> texts;
  for (const Json& each : failures)
    if (texts.size() < 4)
      texts.push_back(fmt::format("{}: {}", text_at(each, "name"), text_at(each, "text")));
  finding.status = Status::warn;
  finding.found = fmt::format("{}", fmt::join(texts, "; "));
  finding.why = "something is degraded now; docs/failure.md tells what that means";
  finding.fix = "edgesentry status";
  return finding;
}

}  // namespace

Findings check_appliance(const Patient& patient) {
  constexpr std::string_view kDaemon = "appliance";
  if (!patient.is_running())
    return {{.area = kDaemon,
             .check = "edgesentryd",
             .status = Status::unknown,
             .found = patient.silence.empty() ? "it was not asked" : patient.silence,
             .why = "what the NIC granted is known only while it runs",
             .fix = "systemctl start edgesentryd, then edgesentry doctor again"}};
  Findings all = {
      {.area = kDaemon,
       .check = "edgesentryd",
       .found = fmt::format("runs, version {}, mode {}", text_at(patient.status, "version"),
                            text_at(patient.status, "mode"))},
      check_failures(patient.said("/failures"))};
  const Json ports = patient.said("/machine/ports");
  if (!ports.is_array()) {
    all.push_back({.area = kArea,
                   .check = "ports",
                   .status = Status::unknown,
                   .found = "the running appliance does not say; it may be of another version"});
    return all;
  }
  for (std::size_t i = 0; i < std::min(ports.size(), kPortsMax); ++i)
    std::ranges::move(check_port(patient, ports[i]), std::back_inserter(all));
  all.push_back(check_flow(patient, patient.said("/enforcers")));
  return all;
}

}  // namespace edgesentry::doctor
