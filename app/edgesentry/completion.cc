#include "completion.h"

#include <fmt/format.h>

namespace edgesentry::cli {
namespace {

// Inside single quotes of any of the three shells.
std::string quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c == '\n' ? ' ' : c;
  }
  return "'" + out + "'";
}

// zsh's _describe and _arguments end a word at a colon or bracket.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string joined_names(const std::vector<CompletionOption>& options) {
  std::string out;
  for (const CompletionOption& option : options)
    for (const std::string& name : option.names) out += (out.empty() ? "" : " ") + name;
  return out;
}

std::string bash_script(const CompletionTree& tree) {
  std::string commands, cases;
  for (const CompletionCommand& command : tree.commands) {
    commands += (commands.empty() ? "" : " ") + command.name;
    std::string words = joined_names(command.options);
    for (const std::string& word : command.words) words += " " + word;
    cases += fmt::format("    {}) words={}; files={} ;;\n", command.name, quoted(words),
                         command.takes_files ? 1 : 0);
  }
  std::string file_options;
  for (const CompletionCommand& command : tree.commands)
    for (const CompletionOption& option : command.options)
      if (option.is_file)
        for (const std::string& name : option.names)
          if (file_options.find("|" + name + "|") == std::string::npos)
            file_options += (file_options.empty() ? "|" : "") + name + "|";
  if (!file_options.empty()) file_options = file_options.substr(1, file_options.size() - 2);
  std::string function = tree.program;
  return fmt::format(
      R"(# bash completion for {0}; load it with: source <({0} completion bash)
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command= words= files=0 i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in -*) ;; *) command=${{COMP_WORDS[i]}}; break ;; esac
  done
  case $previous in {1}) COMPREPLY=($(compgen -f -- "$current")); return ;; esac
  case $command in
    '') words={2} ;;
{3}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ $files == 1 && $current != -* ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}}
complete -o filenames -F _{0} {0}
)",
      function, file_options.empty() ? "--" : file_options,
      quoted(commands + " " + joined_names(tree.options)), cases);
}

std::string zsh_options(const std::vector<CompletionOption>& options, std::string_view margin) {
  std::string out;
  for (const CompletionOption& option : options)
    for (const std::string& name : option.names)
      out += fmt::format(" \\\n{}{}", margin,
                         quoted(fmt::format("{}[{}]{}", name, zsh_text(option.help),
                                            option.is_file       ? ":file:_files"
                                            : option.takes_value ? ":value:"
                                                                 : "")));
  return out;
}

std::string zsh_script(const CompletionTree& tree) {
  std::string commands, cases;
  for (const CompletionCommand& command : tree.commands) {
    commands += fmt::format("    {}\n", quoted(command.name + ":" + zsh_text(command.help)));
    std::string words;
    for (const std::string& word : command.words) words += (words.empty() ? "" : " ") + word;
    const std::string rest = command.takes_files ? " \\\n        '*:file:_files'"
                             : words.empty()     ? ""
                                             : " \\\n        " + quoted("1:word:(" + words + ")");
    cases += fmt::format("    {}) _arguments{}{} ;;\n", command.name,
                         zsh_options(command.options, "        "), rest);
  }
  return fmt::format(
      R"(#compdef {0}
# zsh completion for {0}; load it with: source <({0} completion zsh)
_{0}() {{
  local -a commands=(
{1}  )
  local context state line
  _arguments -C{2} \
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case $words[1] in
{3}    esac ;;
  esac
}}
compdef _{0} {0}
)",
      tree.program, commands, zsh_options(tree.options, "    "), cases);
}

std::string fish_option(std::string_view program, std::string_view condition,
                        const CompletionOption& option) {
  std::string out = fmt::format("complete -c {}{}", program, condition);
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value) out += option.is_file ? " -r -F" : " -x";
  return out + " -d " + quoted(option.help) + "\n";
}

std::string fish_script(const CompletionTree& tree) {
  std::string out = fmt::format(
      "# fish completion for {0}; load it with: {0} completion fish | source\n", tree.program);
  out += fmt::format("complete -c {} -f\n", tree.program);
  for (const CompletionOption& option : tree.options)
    out += fish_option(tree.program, " -n __fish_use_subcommand", option);
  for (const CompletionCommand& command : tree.commands) {
    out += fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d {}\n", tree.program,
                       command.name, quoted(command.help));
    const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
    for (const CompletionOption& option : command.options)
      out += fish_option(tree.program, condition, option);
    for (const std::string& word : command.words)
      out += fmt::format("complete -c {}{} -a {}\n", tree.program, condition, word);
    if (command.takes_files) out += fmt::format("complete -c {}{} -F\n", tree.program, condition);
  }
  return out;
}

}  // namespace

std::string completion_script(const CompletionTree& tree, std::string_view shell) {
  if (shell == "bash") return bash_script(tree);
  if (shell == "zsh") return zsh_script(tree);
  if (shell == "fish") return fish_script(tree);
  return {};
}

}  // namespace edgesentry::cli
