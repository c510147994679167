#include "report/json_lines.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "report/timestamps.h"

namespace edgesentry::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 8> kActionNames = {
    "scan-detected", "scan-grew",        "source-blocked", "source-would-be-blocked",
    "block-expired", "source-unblocked", "port-touched",   "appliance"};

constexpr std::array<std::string_view, 3> kEnforcementNames = {"packets", "command", "none"};

// Elastic's own scale for low, medium, high and critical; info stands below low.
constexpr std::array<int, scan::kSeverityNames.size()> kEcsSeverity = {10, 21, 47, 73, 99};

bool is_about_a_scan(Action action) {
  switch (action) {
    case Action::scan_detected:
    case Action::scan_grew:
    case Action::source_blocked:
    case Action::would_block:
    case Action::port_touched:
      return true;
    case Action::block_expired:
    case Action::source_unblocked:
    case Action::appliance:
      return false;
  }
  return false;
}

// Nothing is denied or allowed where no packet is dropped.
Json event_type(const Event& event) {
  const bool drops = event.enforcement == Enforcement::packets;
  if (event.life == Life::start) return Json::array({"start"});
  if (event.life == Life::stop) return Json::array({"end"});
  if (drops && event.action == Action::source_blocked) return Json::array({"denied"});
  if (drops && (event.action == Action::block_expired || event.action == Action::source_unblocked))
    return Json::array({"allowed"});
  return Json::array({"info"});
}

Json event_object(const Event& event) {
  Json out;
  out["kind"] = is_about_a_scan(event.action) ? "alert" : "event";
  if (event.action == Action::appliance)
    out["category"] = Json::array({"host"});
  else
    out["category"] = Json::array({"intrusion_detection", "network"});
  out["type"] = event_type(event);
  out["action"] = action_name(event);
  if (event.block_failed) out["outcome"] = "failure";
  if (event.alert) {
    const auto level = static_cast<std::size_t>(event.alert->severity);
    out["severity"] = kEcsSeverity[std::min(level, kEcsSeverity.size() - 1)];
    // The alert's own times are on a monotonic axis: only their distance means something here.
    const auto lasted = base::elapsed(event.alert->first_seen, event.alert->last_seen);
    out["start"] = utc_timestamp(event.time - std::chrono::microseconds(lasted.value));
    out["end"] = utc_timestamp(event.time);
  }
  out["reason"] = event.text;
  return out;
}

bool has_ports(std::uint8_t protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

std::string_view transport_name(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "ipv6-icmp";
    default:
      return {};
  }
}

Json network_object(const scan::Alert& alert) {
  Json out;
  if (alert.technique == scan::Technique::arp) {
    out["type"] = "arp";
    return out;
  }
  out["type"] = alert.source.is_v4() ? "ipv4" : "ipv6";
  const std::string_view transport = transport_name(alert.protocol);
  if (!transport.empty()) out["transport"] = transport;
  out["iana_number"] = std::to_string(alert.protocol);
  return out;
}

// MITRE ATT&CK: scanning IP blocks is T1595.001, asking one host for its services T1046.
std::string_view attack_technique(scan::Shape shape) {
  switch (shape) {
    case scan::Shape::horizontal:
    case scan::Shape::block:
    case scan::Shape::strobe:
      return "T1595.001";
    case scan::Shape::brute_force:
      return "T1110";
    default:
      return "T1046";
  }
}

Json targets_array(const scan::Alert& alert) {
  Json out = Json::array();
  const std::size_t known = std::min<std::size_t>(alert.target_count, alert.targets.size());
  for (const base::Ip& target : std::span(alert.targets).first(known))
    out.push_back(target.to_string());
  return out;
}

Json ports_array(const scan::Alert& alert) {
  Json out = Json::array();
  const std::size_t known = std::min<std::size_t>(alert.port_count, alert.ports.size());
  for (const std::uint16_t port : std::span(alert.ports).first(known)) out.push_back(port);
  return out;
}

void add_evidence(Json& out, const scan::Alert& alert) {
  out["technique"] = scan::to_string(alert.technique);
  out["shape"] = scan::to_string(alert.shape);
  out["severity"] = scan::to_string(alert.severity);
  out["confidence"] = alert.confidence;
  out["reason"] = scan::to_string(alert.reason);
  out["tool"] = scan::to_string(alert.tool.tool);
  if (alert.tool.tool != scan::Tool::none) {
    out["tool_confidence"] = scan::to_string(alert.tool.confidence);
    out["tool_evidence"] = scan::words_for(alert.tool.mark);
  }
  out["proven"] = alert.proven;
  out["proof"] = alert.proven ? "handshake" : alert.answers ? "answer" : "none";
  if (alert.contained) out["contained"] = true;
  out["ports"] = ports_array(alert);
  out["targets"] = targets_array(alert);
  out["port_count"] = alert.port_count;
  out["target_count"] = alert.target_count;
  if (alert.source_count > 1) out["source_count"] = alert.source_count;
  out["probes"] = alert.probes;
  out["failures"] = alert.failures;
  out["successes"] = alert.successes;
  out["abnormal"] = alert.abnormal;
  out["worker"] = alert.worker.value;
}

Json own_object(const Event& event) {
  Json out = Json::object();
  if (event.alert) add_evidence(out, *event.alert);
  if (event.action != Action::appliance) {
    out["source_prefix"] = event.source.to_string();
    out["ignored"] = event.ignored;
    out["already_blocked"] = event.already_blocked;
    out["block_seconds"] = event.block_for.count();
    out["offence"] = event.offence;
    out["enforcement"] = scan::name_of(kEnforcementNames, event.enforcement);
  }
  out["stands_for"] = event.stands_for;
  return out;
}

}  // namespace

std::string_view action_name(Action action) noexcept {
  return scan::name_of(kActionNames, action);
}

std::string_view action_name(const Event& event) noexcept {
  if (event.life == Life::start) return "service-start";
  if (event.life == Life::stop) return "service-stop";
  if (event.action == Action::source_blocked && event.enforcement != Enforcement::packets)
    return "source-reported";
  return action_name(event.action);
}

std::string to_json_line(const Event& event, std::string_view file) {
  Json line;
  line["@timestamp"] = utc_timestamp(event.time);
  line["ecs"]["version"] = "8.11.0";
  if (!file.empty()) line["log"]["file"]["path"] = file;
  line["event"] = event_object(event);
  if (event.action != Action::appliance) {
    const base::Ip source = event.alert ? event.alert->source : event.source.address();
    line["source"]["ip"] = source.to_string();
    line["related"]["ip"] = Json::array({source.to_string()});
  }
  if (event.alert) {
    const scan::Alert& alert = *event.alert;
    line["destination"]["ip"] = alert.last_target.to_string();
    if (has_ports(alert.protocol)) line["destination"]["port"] = alert.last_port;
    line["network"] = network_object(alert);
    line["rule"]["name"] =
        fmt::format("{} {}", scan::to_string(alert.shape), scan::to_string(alert.technique));
    line["threat"]["framework"] = "MITRE ATT&CK";
    line["threat"]["technique"]["id"] = Json::array({attack_technique(alert.shape)});
  }
  line["observer"]["vendor"] = "EdgeSentry";
  line["observer"]["product"] = "EdgeSentry";
  line["observer"]["type"] = "ips";
  line["edgesentry"] = own_object(event);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace edgesentry::report
