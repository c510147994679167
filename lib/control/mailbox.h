// How other threads hand requests to the control thread: a bounded queue with one reply each.
//
// Any thread calls call() or post(); the control thread alone calls take() and wait(). A full queue
// refuses at once with an error reply, and call() gives up after its timeout; a requester's
// disappearance harms nobody. The control thread never waits for the queue's lock: when a requester
// holds it, take() comes back empty-handed and tries again next round.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace edgesentry::control {

class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity = 64);
  ~Mailbox();  // answers what is left with an error
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // --- any thread ------------------------------------------------------------------------------
  [[nodiscard]] std::future<nlohmann::json> post(nlohmann::json request);
  [[nodiscard]] nlohmann::json call(nlohmann::json request, std::chrono::milliseconds timeout);
  // Ends the control thread's sleep. Async-signal-safe.
  void wake() noexcept;
  // From now on every request is refused, and those that wait are answered so.
  void close();

  // --- the control thread ----------------------------------------------------------------------
  struct Letter {
    nlohmann::json request;
    std::promise<nlohmann::json> reply;
  };
  [[nodiscard]] std::optional<Letter> take();
  // Sleeps until a letter comes, wake() is called, or the timeout is over.
  void wait(std::chrono::milliseconds timeout) noexcept;

 private:
  const std::size_t capacity_;
  int event_fd_;
  std::mutex mutex_;  // guards the two below; held for a push or a pop only
  std::deque<Letter> letters_;
  bool is_closed_ = false;
};

// What kind of error it is, for programs that ask: "code" of the reply. None: the request is wrong.
namespace code {
inline constexpr std::string_view kNotFound = "not_found";  // what it names is not there
inline constexpr std::string_view kConflict = "conflict";   // exempt, or the mode is observe
inline constexpr std::string_view kFull = "full";           // as much as is kept is there already
inline constexpr std::string_view kBusy = "busy";           // ask again in a moment
inline constexpr std::string_view kStopping = "stopping";
inline constexpr std::string_view kTimeout = "timeout";  // it may still be carried out
}  // namespace code

[[nodiscard]] nlohmann::json error_reply(std::string_view sentence, std::string_view code = {});

}  // namespace edgesentry::control
