#include "guard/companion.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/spawn.h"

namespace edgesentry::guard {
namespace {

constexpr int kFirstSocket = 3;
// Far above what the child's own numbers can be, so that no dup2() meets another one's source.
constexpr int kOutOfTheWay = 100;
constexpr int kEndLooks = 100;
constexpr std::chrono::milliseconds kEndPause{5};

class Descriptors {
 public:
  ~Descriptors() {
    for (const int fd : all_) ::close(fd);
  }
  Descriptors() = default;
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  void add(int fd) { all_.push_back(fd); }
  [[nodiscard]] const std::vector<int>& all() const noexcept { return all_; }

 private:
  std::vector<int> all_;
};

// 0 or an errno.
int spawn(pid_t& pid, const std::vector<std::string>& arguments, const std::vector<int>& sockets) {
  base::SpawnPlan plan;
  int error = plan.open(0, "/dev/null", O_RDONLY);
  if (error == 0) error = plan.open(1, "/dev/null", O_WRONLY);
  int next = kFirstSocket;
  for (const int socket : sockets)
    if (error == 0) error = plan.pass_on(socket, next++);
  if (error == 0) error = plan.close_from(next);
  return error != 0 ? error : plan.spawn(pid, arguments, {});
}

}  // namespace

base::Result<std::unique_ptr<Companion>> Companion::start(const std::vector<std::string>& arguments,
                                                          std::size_t count) {
  std::unique_ptr<Companion> companion(new Companion);
  Descriptors theirs;
  int error = 0;
  for (std::size_t i = 0; i < count && error == 0; ++i) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      error = errno;
      break;
    }
    companion->sockets_.push_back(ends[0]);
    const int moved = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kOutOfTheWay);
    if (moved < 0) error = errno;
    ::close(ends[1]);
    if (moved >= 0) theirs.add(moved);
  }
  if (error == 0) error = spawn(companion->pid_, arguments, theirs.all());
  if (error == 0) return companion;
  companion->pid_ = -1;
  return base::Error{fmt::format("{} cannot be started: {}; it belongs beside edgesentryd",
                                 arguments.front(), std::strerror(error))};
}

void Companion::close() noexcept {
  for (const int socket : sockets_) ::close(socket);
  sockets_.clear();
}

Companion::~Companion() {
  close();
  if (pid_ <= 0) return;
  // It may belong to another user, so that no signal reaches it: the closed sockets have to do.
  for (int look = 0; look < kEndLooks; ++look) {
    const pid_t ended = ::waitpid(pid_, nullptr, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno == ECHILD)) return;
    std::this_thread::sleep_for(kEndPause);
  }
}

}  // namespace edgesentry::guard
