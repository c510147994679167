#include "replay_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "progress_bar.h"
#include "replay_settings.h"
#include "replay_view.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

void complain(const std::string& sentence) {
  const bool with_colour = wants_colour(STDERR_FILENO);
  fmt::print(stderr, "{} {}\n", coloured("edgesentry:", Colour::red, with_colour),
             printable(sentence));
}

// Programs wait for the summary, whatever there was to read.
void end_without_captures(const ReplayArguments& arguments) {
  if (arguments.json) make_json_view(false)->run_done({});
}

FileResult replay_one(const std::string& path, const replay::ReplayOptions& options,
                      ReplayView& view) {
  FileResult result;
  result.path = path;
  auto opened = wire::CaptureFile::open(path);
  if (!opened) {
    result.fault = opened.error().text;
    return result;
  }
  wire::CaptureFile file = std::move(opened).value();
  ProgressBar bar(path);
  replay::Replay engine(options, [&](const report::Event& event) { view.event(path, event); });
  const auto started = std::chrono::steady_clock::now();
  const replay::FileReplay outcome = replay::replay_file(
      file, engine, [&bar](std::uint64_t done, std::uint64_t in_all) { bar.show(done, in_all); });
  result.took = std::chrono::steady_clock::now() - started;
  result.summary = outcome.summary;
  result.fault = outcome.fault;
  result.is_read = true;
  return result;
}

}  // namespace

int run_replay(const ReplayArguments& arguments) {
  const auto options = replay_settings(arguments);
  if (!options) {
    fmt::print(stderr, "edgesentry: {}\n", options.error().text);
    return 1;
  }
  const auto list = wire::list_captures(arguments.paths);
  if (!list) {
    complain(list.error().text);
    end_without_captures(arguments);
    return 1;
  }
  for (const std::string& sentence : list.value().skipped) complain("skipped: " + sentence);

  const std::vector<std::string>& files = list.value().files;
  if (files.empty()) {
    complain(
        fmt::format("no captures were found in {}; name a pcap or pcapng file, or a directory "
                    "that holds some directly",
                    fmt::join(arguments.paths, ", ")));
    end_without_captures(arguments);
    return 1;
  }
  const std::unique_ptr<ReplayView> view =
      arguments.json ? make_json_view(files.size() > 1) : make_table_view();
  std::vector<FileResult> results;
  bool all_read = true;
  for (const std::string& path : files) {
    results.push_back(replay_one(path, options.value(), *view));
    const FileResult& result = results.back();
    if (!result.fault.empty()) complain(result.fault);
    all_read = all_read && result.is_read;
    view->file_done(result);
  }
  view->run_done(results);
  return all_read ? 0 : 1;
}

}  // namespace edgesentry::cli
