#include "report/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace edgesentry::report {
namespace {

class SpawnPlan {
 public:
  SpawnPlan() {
    EDGESENTRY_CHECK(posix_spawnattr_init(&attributes_) == 0, "glibc's init only sets fields");
    EDGESENTRY_CHECK(posix_spawn_file_actions_init(&files_) == 0, "glibc's init only sets fields");
  }
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&files_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // 0 or an errno.
  int prepare() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int error = 0;
    for (int fd = 0; fd <= 2 && error == 0; ++fd)
      error = posix_spawn_file_actions_addopen(&files_, fd, "/dev/null", O_RDWR, 0);
    return error != 0 ? error : posix_spawn_file_actions_addclosefrom_np(&files_, 3);
  }

  int spawn(pid_t& pid, const Arguments& arguments) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));  // execve's type, it does not write
    argv.push_back(nullptr);
    std::array<char, 64> path{"PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"};
    std::array<char, 16> language{"LANG=C.UTF-8"};
    std::array<char*, 3> environment = {path.data(), language.data(), nullptr};
    return posix_spawn(&pid, argv.front(), &files_, &attributes_, argv.data(), environment.data());
  }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t files_;
};

// Readable when the child has ended. The child is not reaped before, so its pid stays its own.
int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

ChildEnd wait_for(pid_t pid, std::chrono::milliseconds deadline, int give_up_fd) {
  const int pidfd = open_pidfd(pid);
  const auto until = std::chrono::steady_clock::now() + deadline;
  ChildEnd end = pidfd < 0 ? ChildEnd::abandoned : ChildEnd::timed_out;
  while (pidfd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    std::array<pollfd, 2> waits = {{{pidfd, POLLIN, 0}, {give_up_fd, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), left.count() > 0 ? int(left.count()) : 0);
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0 && waits[0].revents != 0)
      end = ChildEnd::succeeded;  // or failed, as its status says
    else if (ready > 0)
      end = ChildEnd::abandoned;
    break;
  }
  if (pidfd >= 0) ::close(pidfd);
  if (end != ChildEnd::succeeded) {
    ::kill(-pid, SIGKILL);  // the group, which still has its leader: it was not reaped
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (end != ChildEnd::succeeded) return end;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ChildEnd::succeeded : ChildEnd::failed;
}

}  // namespace

base::Result<ChildEnd> run_child(const Arguments& arguments, std::chrono::milliseconds deadline,
                                 int give_up_fd) {
  EDGESENTRY_CHECK(!arguments.empty(), "parse_command() gives a program or nothing to run");
  SpawnPlan plan;
  pid_t pid = -1;
  int error = plan.prepare();
  if (error == 0) error = plan.spawn(pid, arguments);
  if (error != 0)
    return base::Error{fmt::format("command {}: cannot be started: {}; check log.block_command",
                                   arguments.front(), std::strerror(error))};
  return wait_for(pid, deadline, give_up_fd);
}

}  // namespace edgesentry::report
