// What the appliance asked of one source lately, by answering its probes, and what came back. One
// reaction shows that somebody lives at an address; that most questions are reacted to shows that
// he got them all. Whose name was borrowed reacts to those about his own connections only, where
// something in front of him keeps from him what he did not ask for.
//
// Plain memory of one suspect, 256 bytes. A sample: under more questions than fit, one is kept for
// two seconds before it makes room, which is longer than any way there and back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "scan/names.h"

namespace edgesentry::scan {

struct Question {
  std::uint32_t target = 0;  // wire::fold()
  std::uint32_t at_ms = 0;
  std::uint16_t source_port = 0, target_port = 0;  // of the answer, as answered_as() has them
  std::uint16_t port = 0;                          // that was probed, or the protocol
  Technique technique = Technique::tcp_syn;
  bool is_offer : 1 = false;  // a whole handshake, on a deception port
  bool has_reaction : 1 = false;
};
static_assert(sizeof(Question) == 16);

struct Reactions {
  std::uint8_t asked = 0, given = 0;
};

class Questions {
 public:
  static constexpr std::size_t kKept = 16;
  static constexpr std::uint32_t kKeptMs = 2000;

  // The same probe again, from whatever port, is the same question.
  void ask(const Question& question) noexcept {
    const auto known = std::ranges::find_if(all(), [&](const Question& old) {
      return old.target == question.target && old.port == question.port &&
             old.technique == question.technique && old.is_offer == question.is_offer;
    });
    if (known != all().end()) {
      const bool had_reaction = known->has_reaction;
      *known = question;
      known->has_reaction = had_reaction;
      return;
    }
    if (count_ < kKept) {
      list_[count_++] = question;
      return;
    }
    Question& oldest = *std::ranges::max_element(
        list_, {}, [&](const Question& old) { return question.at_ms - old.at_ms; });
    if (question.at_ms - oldest.at_ms >= kKeptMs) oldest = question;
  }
  // What this conversation is about, or nullptr; first what had no reaction yet.
  [[nodiscard]] Question* find(std::uint32_t target, std::uint16_t source_port,
                               std::uint16_t target_port, bool is_offer) noexcept {
    Question* found = nullptr;
    for (Question& question : all()) {
      if (question.target != target || question.source_port != source_port ||
          question.target_port != target_port || question.is_offer != is_offer)
        continue;
      found = &question;
      if (!question.has_reaction) break;
    }
    return found;
  }
  // Of the questions that count.
  template <class Counts>
  [[nodiscard]] Reactions reactions(Counts&& counts) const noexcept {
    Reactions result;
    for (const Question& question : std::span(list_).first(count_)) {
      if (!counts(question)) continue;
      ++result.asked;
      result.given += question.has_reaction;
    }
    return result;
  }

 private:
  [[nodiscard]] std::span<Question> all() noexcept { return std::span(list_).first(count_); }

  std::array<Question, kKept> list_{};
  std::uint8_t count_ = 0;
};

}  // namespace edgesentry::scan
