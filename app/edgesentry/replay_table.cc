#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "policy/decide.h"
#include "replay_view.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

Colour colour_of(scan::Severity severity) {
  switch (severity) {
    case scan::Severity::info:
    case scan::Severity::low:
      return Colour::none;
    case scan::Severity::medium:
      return Colour::yellow;
    case scan::Severity::high:
    case scan::Severity::critical:
      return Colour::red;
  }
  return Colour::none;
}

// "22, 80, 1000-1003 +990": runs are joined, and what the alert had no room for is counted.
std::string ports_text(const scan::Alert& alert) {
  std::vector<std::uint16_t> ports(
      alert.ports.begin(),
      alert.ports.begin() + std::min<std::ptrdiff_t>(alert.port_count, alert.ports.size()));
  std::sort(ports.begin(), ports.end());
  constexpr std::size_t kRunsMax = 4;
  std::string out;
  std::size_t runs = 0, shown = 0;
  for (std::size_t i = 0; i < ports.size() && runs < kRunsMax; ++runs) {
    std::size_t last = i;
    while (last + 1 < ports.size() && ports[last + 1] == ports[last] + 1) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", ports[i]);
    if (last > i) out += fmt::format("-{}", ports[last]);
    shown += last - i + 1;
    i = last + 1;
  }
  if (alert.port_count > shown) out += fmt::format(" +{}", grouped(alert.port_count - shown));
  return out.empty() ? "-" : out;
}

std::string targets_text(const scan::Alert& alert) {
  if (alert.target_count == 0) return alert.last_target.to_string();
  std::string out = alert.targets[0].to_string();
  if (alert.target_count > 1) out += fmt::format(" +{}", grouped(alert.target_count - 1));
  return out;
}

// A name with a question mark is a guess.
std::string tool_text(const scan::ToolName& name) {
  if (name.tool == scan::Tool::none) return "-";
  return fmt::format("{}{}", scan::to_string(name.tool),
                     name.confidence == scan::Confidence::low ? "?" : "");
}

std::string time_text(report::WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), millis);
}

struct Row {
  report::Event event;
  bool is_blocked = false;
};

Cell decision_of(const Row& row) {
  if (row.is_blocked) return {"block for " + policy::in_words(row.event.block_for), Colour::red};
  if (row.event.ignored) return {"allowed, reported only", Colour::green};
  if (row.event.already_blocked) return {"blocked before", Colour::none};
  return {"reported only", Colour::yellow};
}

class TableView final : public ReplayView {
 public:
  TableView() : with_colour_(wants_colour(STDOUT_FILENO)) {}

  void event(const std::string&, const report::Event& event) override {
    const auto known = std::find_if(rows_.rbegin(), rows_.rend(), [&](const Row& row) {
      return row.event.source == event.source;
    });
    if (event.action == report::Action::scan_detected) {
      rows_.push_back({event});
    } else if (known == rows_.rend()) {
      return;
    } else if (event.action == report::Action::source_blocked) {
      known->is_blocked = true;
    } else if (event.action == report::Action::scan_grew) {
      // What it was stands as decided; behind the decision a capture shows answers to probes that
      // inline mode would not have let through.
      scan::Alert& alert = *known->event.alert;
      alert.probes = event.alert->probes;
      if (event.alert->tool.confidence > alert.tool.confidence) alert.tool = event.alert->tool;
      alert.ports = event.alert->ports;
      alert.port_count = event.alert->port_count;
      alert.targets = event.alert->targets;
      alert.target_count = event.alert->target_count;
    }
  }

  void file_done(const FileResult& result) override {
    const std::string name = coloured(printable(result.path), Colour::bold, with_colour_);
    if (!result.is_read) return;
    const replay::ReplaySummary& s = result.summary;
    fmt::print("{}: {}, {} in {:.1f} s, {}\n", name, counted(s.packets, "packet"),
               in_bytes(s.bytes), static_cast<double>(base::elapsed(s.first, s.last).value) / 1e6,
               counted(s.sources, "source"));
    if (rows_.empty())
      fmt::print("  no scan\n");
    else
      fmt::print("\n{}\n", table().to_string(with_colour_, 2));
    print_tail(result);
    rows_.clear();
  }

  void run_done(const std::vector<FileResult>& results) override {
    if (results.size() < 2) return;
    replay::ReplaySummary total;
    std::uint64_t read = 0;
    for (const FileResult& result : results) {
      replay::add(total, result.summary);
      read += result.is_read ? 1 : 0;
    }
    fmt::print("{} of {}: {}, {} by {}, {} blocked\n", grouped(read),
               counted(results.size(), "file"), counted(total.packets, "packet"),
               counted(total.scans, "scan"), counted(total.scanning_sources, "source"),
               grouped(total.blocked_sources));
  }

 private:
  TextTable table() const {
    TextTable out({{"SOURCE"},
                   {"TECHNIQUE"},
                   {"SHAPE"},
                   {"TOOL"},
                   {"SEVERITY"},
                   {"PORTS"},
                   {"TARGETS"},
                   {"PROBES", true},
                   {"DECIDED"},
                   {"DECISION"}});
    for (const Row& row : rows_) {
      const scan::Alert& alert = *row.event.alert;
      out.add({{row.event.source.to_string()},
               {std::string(scan::to_string(alert.technique))},
               {std::string(scan::to_string(alert.shape))},
               {tool_text(alert.tool)},
               {std::string(scan::to_string(alert.severity)), colour_of(alert.severity)},
               {ports_text(alert)},
               {targets_text(alert)},
               {grouped(alert.probes)},
               {time_text(row.event.time)},
               decision_of(row)});
    }
    return out;
  }

  void print_tail(const FileResult& result) const {
    const replay::ReplaySummary& s = result.summary;
    std::uint64_t odd = 0;
    std::string kinds;
    for (auto i = static_cast<std::size_t>(wire::ParseOutcome::truncated_link); i < s.parsed.size();
         ++i) {
      odd += s.parsed[i];
      if (s.parsed[i] > 0)
        kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", s.parsed[i],
                             wire::kParseOutcomeNames[i]);
    }
    if (odd > 0) fmt::print("  {} broken: {}\n", counted(odd, "packet"), kinds);
    const double rate =
        result.took.count() > 0 ? static_cast<double>(s.packets) / result.took.count() : 0;
    fmt::print("  {} by {}, {} blocked, {} dropped; {} packets/s\n\n", counted(s.scans, "scan"),
               counted(s.scanning_sources, "source"), grouped(s.blocked_sources),
               counted(s.dropped_packets, "packet"), rounded(rate));
  }

  bool with_colour_;
  std::vector<Row> rows_;
};

}  // namespace

std::unique_ptr<ReplayView> make_table_view() {
  return std::make_unique<TableView>();
}

}  // namespace edgesentry::cli
