#include "report/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/spawn.h"

namespace edgesentry::report {
namespace {

// 0 or an errno.
int spawn(pid_t& pid, const Arguments& arguments) {
  base::SpawnPlan plan;
  int error = 0;
  for (int fd = 0; fd <= 2 && error == 0; ++fd) error = plan.open(fd, "/dev/null", O_RDWR);
  if (error == 0) error = plan.close_from(3);
  const std::array<std::string, 2> environment = {
      "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  return error != 0 ? error : plan.spawn(pid, arguments, environment);
}

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
  pid_t pid = -1;
  const int error = spawn(pid, arguments);
  if (error != 0)
    return base::Error{fmt::format("command {}: cannot be started: {}; check log.block_command",
                                   arguments.front(), std::strerror(error))};
  return wait_for(pid, deadline, give_up_fd);
}

}  // namespace edgesentry::report
