#include "control/replies.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace edgesentry::control {

namespace {

constexpr base::Micros kPatience = base::seconds(2);

}  // namespace

void Replies::add(Mailbox::Letter&& letter, nlohmann::json&& answer, bool changes) {
  replies_.push_back(
      {.letter = std::move(letter), .answer = std::move(answer), .changes = changes});
}

bool Replies::has_changes() const noexcept {
  return std::ranges::any_of(replies_,
                             [](const Reply& reply) { return reply.changes && reply.number == 0; });
}

void Replies::wait_for(std::uint64_t number, base::Micros now) noexcept {
  for (Reply& reply : replies_) {
    if (!reply.changes || reply.number != 0) continue;
    reply.number = number;
    reply.until = now + kPatience;
  }
}

void Replies::give(base::Micros now, bool is_ending) {
  std::size_t left = 0;
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    if (try_give(replies_[i], now, is_ending)) continue;
    if (left != i) replies_[left] = std::move(replies_[i]);
    ++left;
  }
  replies_.erase(replies_.begin() + static_cast<std::ptrdiff_t>(left), replies_.end());
}

bool Replies::try_give(Reply& reply, base::Micros now, bool is_ending) {
  if (reply.number != 0) {
    const bool is_durable = keeper_->is_durable(reply.number);
    const bool is_hopeless = keeper_->is_degraded() || is_ending || now >= reply.until;
    if (!is_durable && !is_hopeless) return false;
    reply.answer["durable"] = is_durable;
    if (!is_durable)
      reply.answer["warning"] = fmt::format(
          "this is in force, but it is not on disk and a restart would forget it: {}",
          keeper_->is_degraded() ? keeper_->trouble() : keeper_->path() + " answers slowly");
  }
  reply.letter.reply.set_value(std::move(reply.answer));
  return true;
}

}  // namespace edgesentry::control
