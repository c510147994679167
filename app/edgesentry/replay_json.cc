#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "replay_view.h"
#include "report/json_lines.h"
#include "report/timestamps.h"

namespace edgesentry::cli {
namespace {

using Json = nlohmann::ordered_json;

report::WallTime wall(base::Micros captured) {
  return report::WallTime(std::chrono::microseconds(captured.value));
}

void print(const Json& line) {
  fmt::print("{}\n", line.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json numbers_of(const replay::ReplaySummary& summary) {
  Json out;
  out["packets"] = summary.packets;
  out["bytes"] = summary.bytes;
  out["sources"] = summary.sources;
  out["scans"] = summary.scans;
  out["scanning_sources"] = summary.scanning_sources;
  out["blocked_sources"] = summary.blocked_sources;
  out["dropped_packets"] = summary.dropped_packets;
  Json parsed = Json::object();
  for (std::size_t i = 0; i < summary.parsed.size(); ++i)
    if (summary.parsed[i] > 0) parsed[std::string(wire::kParseOutcomeNames[i])] = summary.parsed[i];
  out["parsed"] = parsed;
  return out;
}

Json file_object(const FileResult& result) {
  Json out;
  out["path"] = result.path;
  out["read"] = result.is_read;
  if (!result.fault.empty()) out["fault"] = result.fault;
  if (!result.is_read) return out;
  out.update(numbers_of(result.summary));
  out["capture_seconds"] =
      static_cast<double>(base::elapsed(result.summary.first, result.summary.last).value) / 1e6;
  return out;
}

Json envelope(std::string_view action) {
  Json line;
  line["@timestamp"] = report::utc_timestamp(std::chrono::system_clock::now());
  line["ecs"]["version"] = "8.11.0";
  line["event"]["kind"] = "metric";
  line["event"]["action"] = action;
  return line;
}

class JsonView final : public ReplayView {
 public:
  explicit JsonView(bool has_several_files) : has_several_files_(has_several_files) {}

  void event(const std::string& path, const report::Event& event) override {
    if (event.action == report::Action::scan_detected ||
        event.action == report::Action::source_blocked)
      fmt::print("{}\n", report::to_json_line(event, path));
  }

  void file_done(const FileResult& result) override {
    if (!has_several_files_) return;
    Json line = envelope("replay-file");
    line["log"]["file"]["path"] = result.path;
    line["edgesentry"] = file_object(result);
    print(line);
  }

  void run_done(const std::vector<FileResult>& results) override {
    replay::ReplaySummary total;
    double took = 0;
    Json files = Json::array();
    std::uint64_t unread = 0;
    for (const FileResult& result : results) {
      replay::add(total, result.summary);
      took += result.took.count();
      unread += result.is_read ? 0 : 1;
      files.push_back(file_object(result));
    }
    Json line = envelope("replay-summary");
    line["event"]["duration"] = static_cast<std::uint64_t>(took * 1e9);  // ECS: nanoseconds
    line["edgesentry"] = numbers_of(total);
    line["edgesentry"]["packets_per_second"] =
        took > 0 ? static_cast<std::uint64_t>(static_cast<double>(total.packets) / took) : 0;
    if (total.packets > 0) {
      line["event"]["start"] = report::utc_timestamp(wall(total.first));
      line["event"]["end"] = report::utc_timestamp(wall(total.last));
    }
    line["edgesentry"]["files_read"] = results.size() - unread;
    line["edgesentry"]["files_unread"] = unread;
    line["edgesentry"]["files"] = files;
    print(line);
  }

 private:
  bool has_several_files_;
};

}  // namespace

std::unique_ptr<ReplayView> make_json_view(bool has_several_files) {
  return std::make_unique<JsonView>(has_several_files);
}

}  // namespace edgesentry::cli
