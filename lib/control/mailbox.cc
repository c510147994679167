#include "control/mailbox.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace edgesentry::control {

namespace {

constexpr std::string_view kStopping = "the appliance is stopping; ask again when it is back";

}  // namespace

nlohmann::json error_reply(std::string_view sentence, std::string_view code) {
  nlohmann::json reply = {{"ok", false}, {"error", std::string(sentence)}};
  if (!code.empty()) reply["code"] = code;
  return reply;
}

Mailbox::Mailbox(std::size_t capacity)
    : capacity_(capacity), event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  EDGESENTRY_CHECK(event_fd_ >= 0, "an eventfd costs one file descriptor, and this is start-up");
}

Mailbox::~Mailbox() {
  close();
  ::close(event_fd_);
}

std::future<nlohmann::json> Mailbox::post(nlohmann::json request) {
  std::promise<nlohmann::json> reply;
  auto future = reply.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_ && letters_.size() < capacity_) {
      letters_.push_back({std::move(request), std::move(reply)});
      wake();
      return future;
    }
    reply.set_value(error_reply(
        is_closed_ ? std::string(kStopping)
                   : fmt::format("{} commands wait already, which is the most that are kept; ask "
                                 "again in a moment",
                                 capacity_),
        is_closed_ ? code::kStopping : code::kBusy));
  }
  return future;
}

nlohmann::json Mailbox::call(nlohmann::json request, std::chrono::milliseconds timeout) {
  auto future = post(std::move(request));
  if (future.wait_for(timeout) == std::future_status::ready) return future.get();
  return error_reply(
      fmt::format("the control thread did not answer within {} ms; it may still carry the command "
                  "out, look at 'status' before asking again",
                  timeout.count()),
      code::kTimeout);
}

void Mailbox::wake() noexcept {
  constexpr std::uint64_t kOne = 1;
  // A counter at its limit refuses, and then the sleeper is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(event_fd_, &kOne, sizeof kOne);
}

void Mailbox::close() {
  std::deque<Letter> left;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    left.swap(letters_);
  }
  for (Letter& letter : left) letter.reply.set_value(error_reply(kStopping, code::kStopping));
}

std::optional<Mailbox::Letter> Mailbox::take() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || letters_.empty()) return std::nullopt;
  std::optional<Letter> letter(std::move(letters_.front()));
  letters_.pop_front();
  return letter;
}

void Mailbox::wait(std::chrono::milliseconds timeout) noexcept {
  pollfd watched{.fd = event_fd_, .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, static_cast<int>(timeout.count())) <= 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(event_fd_, &count, sizeof count);
}

}  // namespace edgesentry::control
