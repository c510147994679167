#include "doctor_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/device.h"
#include "config/load.h"
#include "config_commands.h"
#include "control_client.h"
#include "doctor/doctor.h"
#include "link_facts.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Status;

constexpr std::string_view kArea = "configuration";
constexpr std::size_t kColumnsMost = 120, kColumnsLeast = 60;

// The configuration as far as it can be used, and what is to be said of it.
Finding load(const DoctorArguments& arguments, config::Config& config) {
  Finding finding{.area = kArea, .check = "file", .found = ""};
  const std::string path = arguments.path.empty() ? kDefaultConfigPath : arguments.path;
  std::error_code failed;
  if (arguments.path.empty() && !std::filesystem::exists(path, failed)) {
    finding.status = Status::unknown;
    finding.found = "there is no " + path + ": the defaults are looked at";
    finding.why = "which devices, how many workers and which tables decides what is needed";
    finding.fix = "edgesentry config --defaults > " + path + ", or edgesentry doctor -c FILE";
    return finding;
  }
  config::Loaded loaded = config::load_file(path);
  config = std::move(loaded.config);
  config.path = path;
  const std::size_t count = loaded.problems.size();
  finding.found = count == 0 ? path + ": no problems"
                             : fmt::format("{}: {}, the first: {}", path,
                                           counted(count, loaded.usable() ? "warning" : "problem"),
                                           loaded.problems.front().to_string());
  if (count == 0) return finding;
  finding.status = loaded.usable() ? Status::warn : Status::fail;
  finding.why = loaded.usable()
                    ? "edgesentryd starts, and says the same"
                    : "edgesentryd does not start with it; below, refused keys count as "
                      "left out";
  finding.fix = "edgesentry check " + path;
  return finding;
}

void ask(const std::string& socket, doctor::Patient& patient) {
  const auto reply = ControlClient(socket).ask_raw({{"command", "status"}});
  if (!reply) {
    patient.silence = reply.error().text;
    return;
  }
  auto status = ControlClient::understand(reply.value());
  if (status)
    patient.status = std::move(status).value();
  else
    patient.silence = status.error().text;
}

// What does not lie in files; of a machine laid out in a folder only the folder is known.
void ask_this_machine(const DoctorArguments& arguments, doctor::Patient& patient) {
  patient.affinity = machine::read_affinity();
  for (const config::Segment& segment : patient.config.segments)
    for (const std::string& device : {segment.outside, segment.inside})
      if (const std::string name = config::kernel_interface(device); !name.empty())
        patient.links.push_back(read_link_facts(name));
  ask(arguments.socket.empty() ? patient.config.control.socket : arguments.socket, patient);
}

std::string as_json(const Findings& findings, const std::string& path) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::array<std::size_t, doctor::kStatusNames.size()> counts{};
  for (const Finding& finding : findings) {
    ++counts[static_cast<std::size_t>(finding.status)];
    rows.push_back({{"area", finding.area},
                    {"check", finding.check},
                    {"status", doctor::name_of(finding.status)},
                    {"found", finding.found},
                    {"why", finding.why},
                    {"fix", finding.fix}});
  }
  nlohmann::ordered_json summary = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    summary[std::string(doctor::kStatusNames[i])] = counts[i];
  const nlohmann::ordered_json report = {{"ok", doctor::worst(findings) != Status::fail},
                                         {"config", path},
                                         {"summary", std::move(summary)},
                                         {"checks", std::move(rows)}};
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

Colour colour_of(Status status) {
  switch (status) {
    case Status::ok:
      return Colour::green;
    case Status::unknown:
      return Colour::dim;
    case Status::warn:
      return Colour::yellow;
    case Status::fail:
      return Colour::red;
  }
  return Colour::none;
}

// At blanks, into lines of so many characters; a longer word stays whole.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > width) {
      end = text.rfind(' ', width);
      if (end == std::string_view::npos || end == 0) end = std::min(text.find(' '), text.size());
    }
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Status, check and what was found; below it why that matters. A command stays on one line, so
// that it can be taken over whole.
void print_table(const Findings& findings) {
  const bool with_colour = wants_colour(STDOUT_FILENO);
  const std::size_t columns =
      std::clamp<std::size_t>(columns_of(STDOUT_FILENO), kColumnsLeast, kColumnsMost);
  const std::size_t all = columns_of(STDOUT_FILENO) == 0 ? kColumnsMost : columns;
  std::size_t names = 0;
  for (const Finding& finding : findings)
    names = std::max(names, finding.area.size() + 2 + finding.check.size());
  const std::size_t margin = 9 + names + 2;
  const std::size_t width = all > margin + 20 ? all - margin : 20;
  const auto print_rest = [&](const std::vector<std::string>& lines, std::size_t from) {
    for (std::size_t i = from; i < lines.size(); ++i) fmt::print("{:{}}{}\n", "", margin, lines[i]);
  };
  for (const Finding& finding : findings) {
    const auto found = wrapped(printable(finding.found), width);
    const std::string name = fmt::format("{}: {}", finding.area, printable(finding.check));
    const std::string status(doctor::name_of(finding.status));
    fmt::print("{}{:{}}{:<{}}  {}\n", coloured(status, colour_of(finding.status), with_colour), "",
               9 - status.size(), name, names, found.empty() ? "-" : found.front());
    print_rest(found, 1);
    if (finding.status == Status::ok) continue;
    print_rest(wrapped(printable(finding.why), width), 0);
    if (!finding.fix.empty())
      fmt::print("{:{}}{} {}\n", "", margin, coloured("->", Colour::bold, with_colour),
                 coloured(printable(finding.fix), Colour::bold, with_colour));
  }
}

void print_summary(const Findings& findings) {
  const auto count = [&](Status status) {
    return static_cast<std::size_t>(std::ranges::count(findings, status, &Finding::status));
  };
  fmt::print("\n{}: {} ok, {} unknown, {} to improve, {} to mend\n",
             counted(findings.size(), "check"), count(Status::ok), count(Status::unknown),
             count(Status::warn), count(Status::fail));
}

}  // namespace

int run_doctor(const DoctorArguments& arguments) {
  config::Config config;
  Findings findings = {load(arguments, config)};
  doctor::Patient patient{.tree = machine::Tree(arguments.root), .config = std::move(config)};
  if (arguments.root.empty())
    ask_this_machine(arguments, patient);
  else
    for (const machine::Cpu& cpu : machine::read_topology(patient.tree).cpus)
      patient.affinity.now.push_back(cpu.id);
  patient.look();
  std::ranges::move(doctor::examine(patient), std::back_inserter(findings));
  if (arguments.json) {
    fmt::print("{}\n", as_json(findings, patient.config.path));
  } else {
    print_table(findings);
    print_summary(findings);
  }
  return doctor::worst(findings) == Status::fail ? 1 : 0;
}

}  // namespace edgesentry::cli
