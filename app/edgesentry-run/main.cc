// edgesentry-run: starts what edgesentryd may not start itself any more: its command for each new
// block (with --commands), or edgesentry-nft (without). Started by edgesentryd; of no use by hand.
//
// Two processes: one works, the other one starts it again when it was killed.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "guard/launcher.h"
#include "guard/rights.h"
#include "report/command_runner.h"

namespace edgesentry::runner {
namespace {

constexpr int kFirstSocket = 3, kSocketsMax = 16;
constexpr rlim_t kFilesMax = 256, kProcessesMax = 256;
constexpr std::chrono::milliseconds kPause{100};

struct Settings {
  bool has_commands = false;
  int sockets = 1;
  std::int64_t user = -1, group = -1;
  std::vector<std::string> keep;  // capabilities, handed down to the program
  bool keeps_all = false;         // the command of an operator who asked for root
  std::uint32_t deadline_ms = 10'000;
  std::vector<std::string> program;
};

int fail(const base::Error& error) {
  fmt::print(stderr, "edgesentry-run: {}\n", error.text);
  return 1;
}

base::Result<guard::Rights> rights_of(const Settings& settings) {
  guard::Rights rights;
  if (settings.user >= 0)
    rights.become =
        guard::Account{.user = static_cast<uid_t>(settings.user),
                       .group = static_cast<gid_t>(std::max<std::int64_t>(settings.group, 0)),
                       .groups = {},
                       .name = std::to_string(settings.user)};
  rights.can_regain = settings.keeps_all;
  if (settings.keeps_all) return rights;
  guard::Capabilities keep;
  for (const std::string& name : settings.keep) {
    const auto number = guard::capability_number(name);
    if (!number) return base::Error{"there is no capability " + name};
    keep.add(*number);
  }
  rights.keep = keep;
  rights.hands_down_capabilities = keep.count() > 0;
  return rights;
}

base::Status check_sockets(int count) {
  for (int fd = kFirstSocket; fd < kFirstSocket + count; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
      return base::Error{fmt::format(
          "descriptor {} is no packet socket; this program is started by edgesentryd", fd)};
  }
  return {};
}

// Whoever stops edgesentryd stops all its processes at the same moment, and these have to outlast
// it; they end when their sockets are closed.
void ignore_signals() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2})
    ::sigaction(signal, &ignore, nullptr);
}

// What an operator's command inherits: none of them is raised by it, unless it is root.
base::Status set_limits() {
  struct Limit {
    decltype(RLIMIT_CORE) which;
    rlim_t value;
  };
  for (const Limit& limit : {Limit{RLIMIT_CORE, 0}, Limit{RLIMIT_NOFILE, kFilesMax},
                             Limit{RLIMIT_NPROC, kProcessesMax}}) {
    rlimit now{};
    if (::getrlimit(limit.which, &now) != 0) return base::Error{"limits cannot be read"};
    const rlim_t value = std::min(limit.value, now.rlim_max);
    const rlimit next{value, value};
    if (::setrlimit(limit.which, &next) != 0)
      return base::Error{fmt::format("limits cannot be set: {}", std::strerror(errno))};
  }
  return {};
}

int serve_all(const Settings& settings) {
  const int give_up = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (give_up < 0) return fail({fmt::format("no eventfd: {}", std::strerror(errno))});
  std::vector<std::thread> threads;
  for (int i = 0; i < settings.sockets; ++i)
    threads.emplace_back([&settings, give_up, i] {
      report::serve_commands(kFirstSocket + i, settings.program,
                             std::chrono::milliseconds(settings.deadline_ms), give_up);
    });
  // Of no event asked for, only the other end's going away is told.
  pollfd waits{kFirstSocket, 0, 0};
  while (::poll(&waits, 1, -1) < 0 && errno == EINTR) {
  }
  ::eventfd_write(give_up, 1);
  for (std::thread& thread : threads) thread.join();
  ::close(give_up);
  return 0;
}

int work(const Settings& settings) {
  if (settings.has_commands) return serve_all(settings);
  guard::serve_launcher(kFirstSocket, settings.program);
  return 0;
}

// A worker that ends by itself has seen its sockets close.
int watch_over(const Settings& settings) {
  for (;;) {
    const pid_t worker = ::fork();
    if (worker == 0) ::_exit(work(settings));
    if (worker < 0) return fail({fmt::format("no process: {}", std::strerror(errno))});
    int status = 0;
    while (::waitpid(worker, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    fmt::print(stderr, "edgesentry-run: was killed by signal {}, and starts again\n",
               WTERMSIG(status));
    std::this_thread::sleep_for(kPause);
  }
}

int run(const Settings& settings) {
  if (base::Status ready = check_sockets(settings.sockets); !ready) return fail(ready.error());
  const auto rights = rights_of(settings);
  if (!rights) return fail(rights.error());
  if (settings.has_commands)
    if (base::Status limited = set_limits(); !limited) return fail(limited.error());
  if (base::Status given = guard::give_up_here(rights.value()); !given) return fail(given.error());
  if (base::Status forbidden = guard::forbid_core_dumps(); !forbidden)
    return fail(forbidden.error());
  ignore_signals();
  return watch_over(settings);
}

int parse_and_run(int argc, char** argv) {
  Settings settings;
  CLI::App app{"Starts programs for edgesentryd, which starts it."};
  app.set_version_flag("--version", EDGESENTRY_VERSION);
  app.add_flag("--commands", settings.has_commands, "Run the program for each packet that asks");
  app.add_option("--sockets", settings.sockets, "Packet sockets, from descriptor 3 on")
      ->check(CLI::Range(1, kSocketsMax));
  app.add_option("--user", settings.user, "Number of the user to become")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--group", settings.group, "Number of its group")->check(CLI::NonNegativeNumber);
  // One each time: an option that takes more of them also takes the "--" behind it.
  app.add_option("--keep", settings.keep, "A capability that the program gets; else none")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--keep-all", settings.keeps_all, "Give up nothing");
  app.add_option("--deadline-ms", settings.deadline_ms, "Time for one run of a command")
      ->check(CLI::Range(1, 3'600'000));
  app.add_option("program", settings.program, "What is started, behind --")->required();
  CLI11_PARSE(app, argc, argv);
  if (!settings.program.front().starts_with('/'))
    return fail({settings.program.front() + " is not an absolute path"});
  return run(settings);
}

}  // namespace
}  // namespace edgesentry::runner

int main(int argc, char** argv) {
  try {
    return edgesentry::runner::parse_and_run(argc, argv);
  } catch (const std::exception& failure) {
    return edgesentry::runner::fail({failure.what()});
  }
}
