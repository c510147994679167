#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "packet_line.h"

namespace edgesentry::test {
namespace {

using base::Error;
using base::Result;
using base::Status;

Words split(const std::string& line) {
  std::istringstream stream(line);
  Words words;
  for (std::string word; stream >> word && !word.starts_with('#');) words.push_back(word);
  return words;
}

Status read_prefix(const Words& words, std::vector<base::Prefix>& into) {
  const auto prefix = words.size() == 2 ? base::Prefix::parse(words[1]) : std::nullopt;
  if (!prefix) return Error{fmt::format("write '{} 10.0.0.0/24'", words[0])};
  into.push_back(*prefix);
  return {};
}

Status read_watch(const Words& words, scan::DetectionPolicy& policy) {
  if (words.size() != 3 || (words[1] != "tcp" && words[1] != "udp"))
    return Error{"write 'watch tcp 23,2323'"};
  auto ports = base::PortSet::parse(words[2]);
  if (!ports) return ports.error();
  (words[1] == "tcp" ? policy.watched_tcp : policy.watched_udp) = std::move(ports).value();
  return {};
}

Status read_set(const Words& words, scan::DetectionPolicy& policy) {
  const auto number = words.size() == 3 ? parse_number(words[2]) : std::nullopt;
  if (!number) return Error{"write 'set KEY NUMBER'"};
  scan::Thresholds& thresholds = policy.thresholds;
  const auto value = static_cast<std::uint32_t>(*number);
  const std::string& key = words[1];
  if (key == "scan_trigger") return thresholds.scan_trigger = value, Status{};
  if (key == "abnormal") return thresholds.abnormal = value, Status{};
  if (key == "vertical_ports") return thresholds.vertical_ports = value, Status{};
  if (key == "horizontal_targets") return thresholds.horizontal_targets = value, Status{};
  if (key == "window_s") return thresholds.window = base::seconds(value), Status{};
  return Error{fmt::format("'{}' is no threshold", key)};
}

Result<Condition> read_condition(const std::string& word) {
  for (const std::string relation : {"<=", ">=", "="}) {
    const std::size_t at = word.find(relation);
    if (at != std::string::npos && at > 0)
      return Condition{word.substr(0, at), relation, word.substr(at + relation.size())};
  }
  return Error{fmt::format("'{}' is no condition; write technique=tcp_syn or probes<=10", word)};
}

Result<Expectation> read_decision(const Words& words, Expectation out) {
  const auto source = words.size() > 2 ? base::Ip::parse(words[2]) : std::nullopt;
  if (!source) return Error{fmt::format("write 'expect {} 198.51.100.7'", words[1])};
  out.source = *source;
  for (std::size_t i = 3; i < words.size(); ++i) {
    auto condition = read_condition(words[i]);
    if (!condition) return condition.error();
    out.conditions.push_back(std::move(condition).value());
  }
  return out;
}

Result<Expectation> read_expectation(const Words& words, const std::string& line) {
  using Kind = Expectation::Kind;
  Expectation out;
  const std::string kind = words.size() > 1 ? words[1] : "";
  if (kind == "nothing" && words.size() == 2) return out;
  if (kind == "log") {
    const std::size_t first = line.find('"'), last = line.rfind('"');
    if (first == last) return Error{"write 'expect log \"TEXT\"'"};
    out.kind = Kind::log;
    out.text = line.substr(first + 1, last - first - 1);
    return out;
  }
  if (kind == "dropped") {
    const auto count = words.size() == 3 ? parse_number(words[2]) : std::nullopt;
    if (!count) return Error{"write 'expect dropped 30'"};
    out.kind = Kind::dropped;
    out.count = *count;
    return out;
  }
  if (kind != "block" && kind != "scan")
    return Error{"expect block, scan, log, dropped or nothing"};
  out.kind = kind == "block" ? Kind::block : Kind::scan;
  return read_decision(words, std::move(out));
}

Status read_packets(const Words& words, Scenario& scenario) {
  const bool is_relative = words[0].starts_with('+');
  const auto time = parse_time(is_relative ? words[0].substr(1) : words[0]);
  if (!time) return time.error();
  if (words.size() < 2) return Error{"a time without a packet"};
  base::Micros start = time.value();
  if (is_relative && !scenario.packets.empty()) start = start + scenario.packets.back().time;
  return expand_line({words.begin() + 1, words.end()}, start, scenario.packets);
}

Status read_line(const std::string& line, unsigned number, Scenario& scenario) {
  const Words words = split(line);
  if (words.empty()) return {};
  if (words[0] == "inside") return read_prefix(words, scenario.inside);
  if (words[0] == "allow") return read_prefix(words, scenario.allow);
  if (words[0] == "watch") return read_watch(words, scenario.policy);
  if (words[0] == "set") return read_set(words, scenario.policy);
  if (words[0] != "expect") return read_packets(words, scenario);
  auto expectation = read_expectation(words, line);
  if (!expectation) return expectation.error();
  scenario.expectations.push_back(std::move(expectation).value());
  scenario.expectations.back().line = number;
  return {};
}

}  // namespace

Result<Scenario> read_scenario(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return Error{path + ": cannot be read"};
  Scenario scenario;
  scenario.path = path;
  unsigned number = 0;
  for (std::string line; std::getline(stream, line);)
    if (const Status status = read_line(line, ++number, scenario); !status)
      return Error{fmt::format("{}:{}: {}", path, number, status.error().text)};
  if (scenario.packets.empty() || scenario.expectations.empty())
    return Error{path + ": a scenario has packets and says what is expected"};
  std::stable_sort(scenario.packets.begin(), scenario.packets.end(),
                   [](const TimedPacket& a, const TimedPacket& b) { return a.time < b.time; });
  return scenario;
}

}  // namespace edgesentry::test
