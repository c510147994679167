// Shell completion for bash, zsh and fish, generated from the option tree of the program, so that
// it never lags behind --help. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace edgesentry::cli {

struct CompletionOption {
  std::vector<std::string> names;  // "-s", "--socket"
  std::string help;
  bool takes_value = false;
  bool is_file = false;
};

struct CompletionCommand {
  std::string name;
  std::string help;
  std::vector<CompletionOption> options;
  std::vector<std::string> words;  // fixed words its argument may be
  bool takes_files = false;
};

struct CompletionTree {
  std::string program;
  std::vector<CompletionOption> options;
  std::vector<CompletionCommand> commands;
};

// `shell` is bash, zsh or fish; empty for any other.
[[nodiscard]] std::string completion_script(const CompletionTree& tree, std::string_view shell);

}  // namespace edgesentry::cli
