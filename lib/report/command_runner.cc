#include "report/command_runner.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace edgesentry::report {
namespace {

using Clock = std::chrono::steady_clock;

// Beyond the deadline, for a process that is starting or has a busy machine.
constexpr std::chrono::milliseconds kSlack{2'000};

base::Error gone() {
  return {
      "log.block_command: edgesentry-run is gone, so that no command is run; restart "
      "edgesentryd"};
}

bool send_frame(int socket, std::span<const std::byte> frame) {
  ssize_t sent = -1;
  do {
    sent = ::send(socket, frame.data(), frame.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(frame.size());
}

// 0: closed; below zero: nothing now.
ssize_t receive_frame(int socket, std::span<std::byte> into, int flags) {
  ssize_t got = -1;
  do {
    got = ::recv(socket, into.data(), into.size(), flags);
  } while (got < 0 && errno == EINTR);
  return got < 0 && errno == ECONNRESET ? 0 : got;
}

enum class Waited { readable, late, given_up };

Waited wait_for(int socket, int give_up_fd, Clock::time_point until) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    std::array<pollfd, 2> waits = {{{socket, POLLIN, 0}, {give_up_fd, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), left > 0 ? static_cast<int>(left) : 0);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Waited::late;
    return waits[0].revents != 0 ? Waited::readable : Waited::given_up;
  }
}

std::optional<base::Result<ChildEnd>> end_of(const CommandReply& reply) {
  switch (reply.news) {
    case CommandNews::born:
    case CommandNews::taken:
      return std::nullopt;
    case CommandNews::succeeded:
      return ChildEnd::succeeded;
    case CommandNews::failed:
      return ChildEnd::failed;
    case CommandNews::timed_out:
      return ChildEnd::timed_out;
    case CommandNews::abandoned:
      return ChildEnd::abandoned;
    case CommandNews::not_started:
      return base::Error{reply.text};
  }
  return std::nullopt;
}

CommandReply reply_of(std::uint64_t id, const base::Result<ChildEnd>& end) {
  CommandReply reply{.id = id, .news = CommandNews::not_started, .text = {}};
  if (!end) {
    reply.text = end.error().text;
    return reply;
  }
  switch (end.value()) {
    case ChildEnd::succeeded:
      reply.news = CommandNews::succeeded;
      break;
    case ChildEnd::failed:
      reply.news = CommandNews::failed;
      break;
    case ChildEnd::timed_out:
      reply.news = CommandNews::timed_out;
      break;
    case ChildEnd::abandoned:
      reply.news = CommandNews::abandoned;
      break;
  }
  return reply;
}

}  // namespace

CommandRunner::CommandRunner(std::unique_ptr<guard::Companion> process, std::size_t sockets,
                             std::chrono::milliseconds deadline)
    : process_(std::move(process)), deadline_(deadline) {
  for (std::size_t i = 0; i < sockets; ++i) free_.push_back(i);
}

std::size_t CommandRunner::claim() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [this] { return !free_.empty(); });
  const std::size_t index = free_.back();
  free_.pop_back();
  return index;
}

void CommandRunner::release(std::size_t index) {
  const std::lock_guard lock(mutex_);
  free_.push_back(index);
  freed_.notify_one();
}

base::Result<ChildEnd> CommandRunner::run(const CommandValues& values, int give_up_fd) {
  const std::size_t index = claim();
  base::Result<ChildEnd> end = run_on(process_->socket(index), values, give_up_fd);
  release(index);
  return end;
}

base::Result<ChildEnd> CommandRunner::run_on(int socket, const CommandValues& values,
                                             int give_up_fd) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
  }
  const auto until = Clock::now() + deadline_ + kSlack;
  if (!send_frame(socket, encode(CommandRequest{.id = id, .values = values}))) return gone();
  std::array<std::byte, kCommandReplyMax> frame;
  for (bool is_taken = false;;) {
    switch (wait_for(socket, give_up_fd, until)) {
      case Waited::late:
        return ChildEnd::timed_out;
      case Waited::given_up:
        return ChildEnd::abandoned;
      case Waited::readable:
        break;
    }
    const ssize_t got = receive_frame(socket, frame, MSG_DONTWAIT);
    if (got == 0) return gone();
    if (got < 0) continue;
    const auto reply = decode_reply(std::span(frame).first(static_cast<std::size_t>(got)));
    if (!reply) continue;
    if (reply->news == CommandNews::born && is_taken)
      return base::Error{
          "log.block_command: edgesentry-run was killed while it ran a command, and "
          "is back"};
    if (reply->id != id) continue;  // of a command that nobody waits for any more
    is_taken = true;
    if (auto end = end_of(*reply)) return *std::move(end);
  }
}

void serve_commands(int socket, const Arguments& command, std::chrono::milliseconds deadline,
                    int give_up_fd) {
  if (!send_frame(socket, encode(CommandReply{}))) return;
  // One more byte than a request has, so that a longer frame shows.
  std::array<std::byte, kCommandRequestBytes + 1> frame;
  for (;;) {
    const ssize_t got = receive_frame(socket, frame, 0);
    if (got <= 0) return;
    const auto request = decode_request(std::span(frame).first(static_cast<std::size_t>(got)));
    if (!request) continue;
    if (!send_frame(socket, encode(CommandReply{request->id, CommandNews::taken, {}}))) return;
    const auto end = run_child(fill_in(command, request->values), deadline, give_up_fd);
    if (!send_frame(socket, encode(reply_of(request->id, end)))) return;
  }
}

}  // namespace edgesentry::report
