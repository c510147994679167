#include "config_commands.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "config/reference.h"
#include "signature/pattern_source.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

std::string as_json(const std::string& path, const config::Loaded& loaded) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const config::Problem& problem : loaded.problems)
    problems.push_back({{"file", problem.file},
                        {"line", problem.line},
                        {"column", problem.column},
                        {"key", problem.key},
                        {"fault", problem.fault},
                        {"remedy", problem.remedy},
                        {"fatal", problem.fatal}});
  const nlohmann::ordered_json report = {{"file", path},
                                         {"ok", loaded.problems.empty()},
                                         {"usable", loaded.usable()},
                                         {"faults", loaded.problems.size() - loaded.warnings()},
                                         {"warnings", loaded.warnings()},
                                         {"problems", problems}};
  // A path need not be UTF-8.
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

void print_block(const config::Problem& problem) {
  const bool with_colour = wants_colour(STDOUT_FILENO);
  std::string place = printable(problem.file);
  if (problem.line > 0) place += fmt::format(":{}", problem.line);
  if (problem.column > 0) place += fmt::format(":{}", problem.column);
  fmt::print(
      "{}  {}{}\n    {}\n    {}\n\n", coloured(place, Colour::dim, with_colour),
      problem.fatal ? "" : coloured("warning ", Colour::yellow, with_colour),
      coloured(printable(problem.key), Colour::bold, with_colour),
      coloured(printable(problem.fault), problem.fatal ? Colour::red : Colour::yellow, with_colour),
      printable(problem.remedy));
}

void print_problems(const config::Loaded& loaded) {
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  for (const config::Problem& problem : loaded.problems) {
    if (is_terminal) {
      print_block(problem);
    } else {
      fmt::print("{}\n", printable(problem.to_line()));
    }
  }
}

int print_effective(const std::string& path) {
  const config::Loaded loaded = config::load_file(path);
  for (const config::Problem& problem : loaded.problems)
    fmt::print(stderr, "{}\n", printable(problem.to_line()));
  if (!loaded.usable()) return EX_CONFIG;
  fmt::print("{}", config::effective_toml(loaded.config));
  return EX_OK;
}

// Compiles the patterns anew and tries each of them on its own payloads.
void check_patterns(config::Loaded& loaded) {
  const config::Payload& payload = loaded.config.payload;
  // Whatever else is wrong: a key that was refused stands at its default.
  if (!payload.enabled) return;
  const signature::OpenedPatterns opened =
      signature::open_patterns({.path = payload.patterns, .is_verified = true});
  loaded.problems.insert(loaded.problems.end(), opened.problems.begin(), opened.problems.end());
}

// "right, with 1 warning", "2 problems", "2 problems, 1 warning".
std::string verdict_on(const config::Loaded& loaded) {
  const std::size_t warnings = loaded.warnings();
  if (loaded.usable()) return "right, with " + counted(warnings, "warning");
  std::string verdict = counted(loaded.problems.size() - warnings, "problem");
  if (warnings > 0) verdict += ", " + counted(warnings, "warning");
  return verdict;
}

}  // namespace

int run_check(const CheckArguments& arguments) {
  const std::string& path = arguments.path;
  config::Loaded loaded = config::load_file(path);
  check_patterns(loaded);
  if (arguments.json) {
    fmt::print("{}\n", as_json(path, loaded));
  } else if (loaded.problems.empty()) {
    fmt::print("{}: no problems\n", printable(path));
  } else {
    print_problems(loaded);
    std::fflush(stdout);
    fmt::print(stderr, "{}: {}\n", printable(path), verdict_on(loaded));
  }
  const bool is_right = arguments.strict ? loaded.problems.empty() : loaded.usable();
  return is_right ? EX_OK : EX_CONFIG;
}

int run_config(const ConfigArguments& arguments) {
  if (arguments.reference) {
    fmt::print("{}", config::reference_markdown());
  } else if (arguments.defaults) {
    fmt::print("{}", config::effective_toml(config::Config{}));
  } else {
    return print_effective(arguments.path);
  }
  return EX_OK;
}

}  // namespace edgesentry::cli
