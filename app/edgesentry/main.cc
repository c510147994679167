// The operator's command line. The option tree stands here and nowhere else; each command is a
// function of its own file. No DPDK inside, no root needed but for the appliance's socket.
//
// Exit codes: 0 done; 1 it could not be done, and a sentence on stderr says why; 2 wrong usage.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <span>
#include <string_view>
#include <vector>

#include "completion.h"
#include "config/suggest.h"
#include "config_commands.h"
#include "daemon_commands.h"
#include "doctor_command.h"
#include "replay/replay.h"
#include "replay_command.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

constexpr int kUsageError = 2;

struct Arguments {
  CheckArguments check;
  ConfigArguments config;
  ReplayArguments replay;
  DaemonArguments daemon;
  DoctorArguments doctor;
  std::string shell;
};

constexpr const char* kExamples = R"(Examples:
  edgesentry check /etc/edgesentry/edgesentry.toml    every fault of a configuration at once
  edgesentry doctor                                   what this machine lacks, and what helps
  edgesentry replay monday.pcap.gz                    who scanned, and who would have been blocked
  edgesentry replay --json captures/ | jq .source.ip  the same for machines, a directory at a time
  edgesentry status                                   how the running appliance is
  edgesentry block 198.51.100.7 --for 1h --reason "asked by the customer"
  edgesentry explain 198.51.100.7                     why it is blocked, or why not
  source <(edgesentry completion bash)                completion for this shell

Exit codes: 0 done, 1 not done (a sentence says why), 2 wrong usage.)";

constexpr const char* kReplayHelp =
    R"(Reads pcap and pcapng, plain or gzip; a directory stands for the captures in it. Time is the
capture's own; each file starts with fresh tables. Nothing is sent and nothing is blocked: decisions
are printed, as the appliance would take them in mode "enforce".
Exit code 0 even when nothing was found; 1 when a file could not be read (the others are
replayed).)";

void add_check(CLI::App& app, CheckArguments& arguments, int& outcome) {
  CLI::App* check = app.add_subcommand("check", "Find every fault of a configuration at once");
  check->footer(
      "Exit code 78 when there is one, 0 when there is none. What edgesentryd starts with all the\n"
      "same is a warning: 0 too, unless --strict is given.");
  check->add_option("FILE", arguments.path, "the configuration")
      ->capture_default_str()
      ->type_name("");
  check->add_flag("--json", arguments.json, "one JSON object");
  check->add_flag("--strict", arguments.strict, "exit with 78 for a warning too");
  check->callback([&] { outcome = run_check(arguments); });
}

void add_config(CLI::App& app, ConfigArguments& arguments, int& outcome) {
  CLI::App* config = app.add_subcommand("config", "Print a configuration, or the reference page");
  config->add_option("FILE", arguments.path, "the configuration")
      ->capture_default_str()
      ->type_name("");
  CLI::Option* effective = config->add_flag("--effective", arguments.effective,
                                            "every key with its value by FILE; also by default");
  CLI::Option* defaults = config->add_flag("--defaults", arguments.defaults,
                                           "a whole file with the default of every key");
  config->add_flag("--reference", arguments.reference, "the reference page, in Markdown")
      ->excludes(effective)
      ->excludes(defaults);
  defaults->excludes(effective);
  config->callback([&] { outcome = run_config(arguments); });
}

void add_replay(CLI::App& app, ReplayArguments& arguments, int& outcome) {
  CLI::App* replay = app.add_subcommand("replay", "Run captures through the engine, offline");
  replay->footer(kReplayHelp);
  replay->add_option("FILE", arguments.paths, "captures, or directories of them")
      ->required()
      ->type_name("");
  replay->add_option("-c,--config", arguments.config_path, "thresholds and lists of this file")
      ->type_name("FILE");
  replay
      ->add_option("--inside", arguments.inside,
                   "protected networks, CIDR; without any, everybody may be the scanner")
      ->type_name("CIDR")
      ->allow_extra_args(false);
  replay->add_option("--allow", arguments.allow, "networks that are reported, never blocked")
      ->type_name("CIDR")
      ->allow_extra_args(false);
  CLI::Option* patterns =
      replay
          ->add_option("--patterns", arguments.patterns_path,
                       "what payloads are searched for (default: the file beside the program)")
          ->type_name("FILE");
  replay->add_flag("--no-payload", arguments.skips_payloads, "look at headers only")
      ->excludes(patterns);
  replay
      ->add_option("--workers", arguments.workers,
                   "simulate so many workers; the result is the same")
      ->check(CLI::Range(1, int{replay::kWorkersMax}))
      ->type_name("N");
  replay
      ->add_option("--run-on", arguments.run_on_seconds,
                   "seconds of silence after the last packet: what is unanswered then has "
                   "failed (default: detect.answer_timeout and four more)")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("SECONDS");
  replay->add_flag("--json", arguments.json,
                   "JSON lines with ECS field names, a summary at the end");
  replay->callback([&] { outcome = run_replay(arguments); });
}

void add_doctor(CLI::App& app, DoctorArguments& arguments, int& outcome) {
  CLI::App* doctor =
      app.add_subcommand("doctor", "What this machine lacks for a configuration, and what helps");
  doctor->footer("Changes nothing. Exit code 0 with warnings too, 1 when something fails.");
  doctor->add_option("-c,--config", arguments.path, "the configuration")->type_name("FILE");
  doctor->add_option("-s,--socket", arguments.socket, "control socket of edgesentryd")
      ->type_name("FILE");
  doctor->add_option("--root", arguments.root, "look at /sys and /proc below this folder")
      ->type_name("FILE");
  doctor->add_flag("--json", arguments.json, "one JSON object");
  doctor->callback([&] { outcome = run_doctor(arguments); });
}

CLI::App* add_daemon_command(CLI::App& app, DaemonArguments& arguments, int& outcome,
                             const std::string& name, const std::string& help) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("-s,--socket", arguments.socket, "control socket of edgesentryd")
      ->capture_default_str()
      ->type_name("FILE");
  command->add_flag("--json", arguments.json, "the reply as it came: one JSON object");
  command->callback([&arguments, &outcome, name] {
    arguments.command = name;
    outcome = run_daemon_command(arguments);
  });
  return command;
}

void add_daemon_commands(CLI::App& app, DaemonArguments& arguments, int& outcome) {
  const auto add = [&](const char* name, const char* help) {
    return add_daemon_command(app, arguments, outcome, name, help);
  };
  const auto wants_address = [&](CLI::App* command, const char* help) {
    command->add_option("ADDRESS", arguments.address, help)->required()->type_name("");
    return command;
  };
  add("status", "How the appliance is: mode, uptime, traffic, blocks, what is degraded");
  CLI::App* top = add("top", "The busiest scanners, refreshed every second; q ends it");
  top->add_flag("--once", arguments.once, "one picture and out");
  top->add_option("-n,--count", arguments.count, "so many sources")->type_name("N");
  CLI::App* blocked = add("blocked", "Who is blocked, until when and why");
  blocked->add_option("--within", arguments.within, "only sources inside this network")
      ->type_name("CIDR");
  blocked->add_option("--family", arguments.family, "only ipv4 or ipv6")->type_name("FAMILY");
  blocked->add_option("--technique", arguments.technique, "only these, such as tcp_syn")
      ->type_name("NAME");
  blocked->add_option("--shape", arguments.shape, "only these, such as horizontal")
      ->type_name("NAME");
  const auto takes_list = [&](CLI::App* command, const char* help) {
    command->add_option("ADDRESS", arguments.address, help)->type_name("");
    command
        ->add_option("--file", arguments.list,
                     "many: one a line, # for remarks; - is standard input")
        ->type_name("FILE");
    command->parse_complete_callback([&arguments, command] {
      if (arguments.address.empty() == arguments.list.empty())
        throw CLI::RequiredError(command->get_name() + " takes ADDRESS or --file");
    });
    return command;
  };
  CLI::App* block = takes_list(add("block", "Block a source"), "IPv4 or IPv6 address");
  block->add_option("--for", arguments.duration, "how long, 90s, 10m, 2h, 7d; else the ladder")
      ->type_name("DURATION");
  block->add_option("--reason", arguments.reason, "for the log and for explain")->type_name("TEXT");
  takes_list(add("unblock", "Let a source in again; the block it ends counts as no offence"),
             "blocked address");
  add("allowed", "Who is never blocked, and why");
  wants_address(add("allow", "Never block this network, until unallow"), "address or CIDR block");
  wants_address(add("unallow", "Take an allow back"), "as it was allowed");
  CLI::App* bypass = add("bypass", "Let every packet pass at once (on), or end that (off)");
  bypass->add_option("STATE", arguments.state, "on or off")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"on", "off"}));
  wants_address(add("explain", "Why an address is blocked, or why it is not"), "any address");
  CLI::App* events = add("events", "The last events, newest last");
  events->add_option("-n,--count", arguments.count, "at most so many")->type_name("N");
  events->add_flag("-f,--follow", arguments.follow, "go on with new ones as they come");
  CLI::App* history = add("history", "Events of earlier days, newest first");
  history->add_option("ADDRESS", arguments.address, "only of this source")->type_name("");
  history->add_option("--action", arguments.action, "only of this kind, such as source-blocked")
      ->type_name("ACTION");
  history->add_option("--since", arguments.since, "how long ago, 12h, 7d")->type_name("DURATION");
  history->add_option("--until", arguments.until, "how long ago they end")->type_name("DURATION");
  history->add_option("-n,--count", arguments.count, "at most so many")->type_name("N");
  history->add_option("--before", arguments.before, "only before this event: the next page")
      ->type_name("NUMBER");
  CLI::App* reload = add("reload", "Read the configuration again; say what needs a restart");
  reload->add_flag("--dry-run", arguments.is_trial, "only say what it would do");
}

CompletionOption completion_option(const CLI::Option& option) {
  CompletionOption out;
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  out.help = option.get_description();
  out.takes_value = option.get_expected_min() > 0;
  out.is_file = option.get_type_name() == "FILE";
  return out;
}

std::vector<CompletionOption> completion_options(const CLI::App& app) {
  std::vector<CompletionOption> out;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_positional()) out.push_back(completion_option(*option));
  return out;
}

CompletionTree completion_tree(const CLI::App& app) {
  CompletionTree tree{.program = app.get_name(), .options = completion_options(app)};
  for (const CLI::App* command : app.get_subcommands({})) {
    CompletionCommand out{.name = command->get_name(),
                          .help = command->get_description(),
                          .options = completion_options(*command)};
    out.takes_files = out.name == "replay" || out.name == "check" || out.name == "config";
    if (out.name == "completion") out.words = {"bash", "zsh", "fish"};
    tree.commands.push_back(std::move(out));
  }
  return tree;
}

void add_completion(CLI::App& app, std::string& shell, int& outcome) {
  CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
  completion->add_option("SHELL", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
  completion->callback([&app, &shell, &outcome] {
    fmt::print("{}", completion_script(completion_tree(app), shell));
    outcome = 0;
  });
}

// Empty: the first word that is no option is a command, or there is none.
std::string unknown_command(const CLI::App& app, std::span<char* const> words) {
  const auto found = std::ranges::find_if(words, [](const char* word) { return *word != '-'; });
  if (found == words.end()) return {};
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::ranges::find(names, *found) != names.end()) return {};
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view near = config::nearest(*found, known);
  return fmt::format("there is no command '{}'{} There are {}", printable(*found),
                     near.empty() ? "." : fmt::format("; did you mean '{}'?", near),
                     fmt::join(names, ", "));
}

int run(int argc, char** argv) {
  CLI::App app("PortSentry for the network edge: the operator's command line.", "edgesentry");
  Arguments arguments;
  int outcome = 0;
  app.set_version_flag("--version", "edgesentry " EDGESENTRY_VERSION);
  app.require_subcommand(1);
  add_check(app, arguments.check, outcome);
  add_config(app, arguments.config, outcome);
  add_replay(app, arguments.replay, outcome);
  add_doctor(app, arguments.doctor, outcome);
  add_daemon_commands(app, arguments.daemon, outcome);
  add_completion(app, arguments.shell, outcome);
  app.footer(kExamples);  // last: subcommands would inherit it
  const std::span<char* const> words(argv + std::min(argc, 1), argv + argc);
  if (const std::string fault = unknown_command(app, words); !fault.empty()) {
    fmt::print(stderr, "edgesentry: {}\n'edgesentry --help' says what each does.\n", fault);
    return kUsageError;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  return outcome;
}

}  // namespace
}  // namespace edgesentry::cli

int main(int argc, char** argv) {
  // A reader that has seen enough, as in `replay --json | head`, ends this program quietly.
  signal(SIGPIPE, SIG_DFL);
  try {
    return edgesentry::cli::run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "edgesentry: {}\n", failure.what());
    return 1;
  }
}
