// NftEnforcer over a program that answers as edgesentry-nft and edgesentry-xdp do, and fails to
// order.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "enforce/nft_enforcer.h"
#include "support/alerts.h"

namespace edgesentry::enforce {

using test::attacker;

// edgesentry-nft as it should behave, with its failures on order.
class FakeLink final : public NftLink {
 public:
  base::Status open() override {
    ++opens;
    if (!can_open) return base::Error{"no such program"};
    is_open = true;
    replies.clear();
    ordered.clear();
    return {};
  }
  bool send(std::span<const std::byte> frame) override {
    if (!is_open || !has_room) return false;
    const auto read = decode_nft_request(frame);
    EXPECT_TRUE(read.ok());
    if (!is_deaf) answer(read.value());
    return true;
  }
  Got receive(std::vector<std::byte>& frame) override {
    if (!is_open) return Got::gone;
    if (replies.empty()) return Got::nothing;
    frame = replies.front();
    replies.pop_front();
    return Got::frame;
  }
  void wait(std::chrono::milliseconds limit) override {
    if (waits) waits(limit);
  }
  void close() noexcept override {
    is_open = false;
    is_deaf = is_deaf && is_deaf_for_good;
  }

  void answer(const NftRequest& request) {
    NftReply reply{.ask = request.ask, .sequence = request.sequence, .is_done = true, .text = {}};
    asked.push_back(request);
    if (request.ask == NftAsk::batch && failures > 0) {
      --failures;
      reply.is_done = false;
      reply.text = "No space left on device";
    } else if (request.ask == NftAsk::batch) {
      for (const NftElement& element : request.elements) {
        const bool fits = kernel.size() < room || kernel.contains(element.source);
        if (reply.is_done && (fits || !element.is_blocked)) {
          take(element);
        } else if (reply.is_done) {
          reply.is_done = false;
          reply.has_counts = true;
          reply.fewest = reply.most = kernel.size();
          reply.text = std::string("the map of IPv4 sources ") + kNoRoomWords;
        }
      }
    }
    if (request.ask == NftAsk::begin) ordered.clear();
    if (request.ask == NftAsk::end)
      std::erase_if(kernel, [&](const auto& held) { return !ordered.contains(held.first); });
    if (request.ask == NftAsk::remove || request.ask == NftAsk::pass) kernel.clear();
    if (request.ask == NftAsk::check) {
      reply.is_mended = std::exchange(is_changed, false);
      reply.has_counts = kernel.size() <= countable;
      if (reply.has_counts) reply.fewest = reply.most = kernel.size();
      for (const NftElement& element : request.elements)
        reply.missing += kernel.contains(element.source) ? 0 : 1;
    }
    replies.push_back(encode(reply));
  }
  void take(const NftElement& element) {
    kernel.erase(element.source);
    ordered.erase(element.source);
    if (!element.is_blocked) return;
    kernel[element.source] = element.timeout_s;
    ordered.insert(element.source);
  }
  [[nodiscard]] std::size_t count(NftAsk ask) const {
    return static_cast<std::size_t>(std::ranges::count(asked, ask, &NftRequest::ask));
  }

  bool can_open = true, is_open = false, has_room = true, is_deaf = false, is_changed = false;
  std::size_t countable = 1'000'000, room = 1'000'000;
  bool is_deaf_for_good = true;  // false: until it is started anew
  std::function<void(std::chrono::milliseconds)> waits;
  int opens = 0;
  int failures = 0;
  std::map<base::Ip, std::uint32_t> kernel;  // source and time limit
  std::set<base::Ip> ordered;
  std::vector<NftRequest> asked;
  std::deque<std::vector<std::byte>> replies;
};

class NftEnforcerTest : public testing::Test {
 protected:
  void block(std::uint32_t n, std::uint64_t seconds = 600) {
    ledger_.block({.source = attacker(n),
                   .origin = policy::Origin::operator_order,
                   .duration = std::chrono::seconds(seconds),
                   .reason = {}},
                  now_);
    order(n, scan::OrderKind::block);
  }
  void lift(std::uint32_t n) {
    ledger_.lift(attacker(n), now_);
    order(n, scan::OrderKind::lift);
  }
  void order(std::uint32_t n, scan::OrderKind kind) {
    const scan::Order order{attacker(n), kind, {}};
    enforcer_.submit({&order, 1});
  }
  void run(base::Micros time = base::seconds(1)) {
    for (std::uint64_t passed = 0; passed < time.value; passed += 10'000) {
      now_ = now_ + base::milliseconds(10);
      enforcer_.reconcile(ledger_);
    }
  }
  [[nodiscard]] std::set<base::Ip> in_kernel() const {
    std::set<base::Ip> sources;
    for (const auto& [source, timeout] : link_.kernel) sources.insert(source);
    return sources;
  }

  base::Micros now_ = base::seconds(100);
  policy::Ledger ledger_{{.blocks_max = 1u << 20, .history_max = 16}};
  FakeLink link_;
  std::vector<std::string> said_;
  NftEnforcer enforcer_{link_,
                        {.margin = base::seconds(60),
                         .now = [this] { return now_; },
                         .say = [this](std::string text) { said_.push_back(text); }}};
};

}  // namespace edgesentry::enforce
