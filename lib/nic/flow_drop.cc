#include "nic/flow_drop.h"

#include <fmt/format.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace edgesentry::nic {
namespace {

using Answer = enforce::FlowApi::Answer;
using Outcome = enforce::FlowApi::Outcome;

// A reset empties the port's tables, and recovery from an error asks for all rules anew
// (rte_ethdev.h, rte_eth_event_type).
constexpr std::array kLossEvents = {RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_RECOVERY_SUCCESS};

int on_loss(std::uint16_t, rte_eth_event_type, void* counter, void*) {
  static_cast<std::atomic<std::uint64_t>*>(counter)->fetch_add(1, std::memory_order_relaxed);
  return 0;
}

// What rte_flow is given points into it, so it stays where it was made.
class Request {
 public:
  Request(const base::Ip& source, const FlowDrop::Settings& settings, bool is_counted) {
    attributes_.group = settings.group;
    attributes_.priority = settings.priority;
    attributes_.ingress = 1;
    pattern_[0].type = RTE_FLOW_ITEM_TYPE_ETH;
    if (source.is_v4())
      match_v4(source);
    else
      match_v6(source, settings.ipv6_prefix);
    pattern_[2].type = RTE_FLOW_ITEM_TYPE_END;
    std::size_t next = 0;
    if (is_counted) actions_[next++] = {RTE_FLOW_ACTION_TYPE_COUNT, &count_};
    actions_[next++].type = RTE_FLOW_ACTION_TYPE_DROP;
    actions_[next].type = RTE_FLOW_ACTION_TYPE_END;
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] const rte_flow_attr* attributes() const noexcept { return &attributes_; }
  [[nodiscard]] const rte_flow_item* pattern() const noexcept { return pattern_.data(); }
  [[nodiscard]] const rte_flow_action* actions() const noexcept { return actions_.data(); }

 private:
  void match_v4(const base::Ip& source) {
    v4_.hdr.src_addr = __builtin_bswap32(source.v4_value());
    v4_mask_.hdr.src_addr = ~rte_be32_t{0};
    pattern_[1].type = RTE_FLOW_ITEM_TYPE_IPV4;
    pattern_[1].spec = &v4_;
    pattern_[1].mask = &v4_mask_;
  }
  void match_v6(const base::Ip& source, std::uint8_t prefix) {
    for (std::size_t i = 0; i < 16; ++i) {
      const int bits = std::clamp(int{prefix} - 8 * static_cast<int>(i), 0, 8);
      const auto mask = static_cast<std::uint8_t>(0xff00 >> bits);
      v6_mask_.hdr.src_addr[i] = mask;
      v6_.hdr.src_addr[i] = source.bytes()[i] & mask;
    }
    pattern_[1].type = RTE_FLOW_ITEM_TYPE_IPV6;
    pattern_[1].spec = &v6_;
    pattern_[1].mask = &v6_mask_;
  }

  rte_flow_attr attributes_{};
  rte_flow_item_ipv4 v4_{}, v4_mask_{};
  rte_flow_item_ipv6 v6_{}, v6_mask_{};
  rte_flow_action_count count_{};
  std::array<rte_flow_item, 3> pattern_{};
  std::array<rte_flow_action, 3> actions_{};
};

std::string words_of(const rte_flow_error& error, int code) {
  const char* reason = rte_strerror(code);
  return error.message == nullptr ? reason : fmt::format("{}: {}", error.message, reason);
}

Answer failure(Outcome outcome, const rte_flow_error& error, int code) {
  return {.outcome = outcome, .fault = words_of(error, code)};
}

bool means_full(int code) {
  return code == ENOSPC || code == ENOMEM || code == E2BIG || code == EDQUOT;
}

Outcome outcome_of(int code) {
  return code == ENOENT ? Outcome::gone : Outcome::refused;
}

}  // namespace

FlowDrop::FlowDrop(const Port& port, Settings settings)
    : port_(port.id()), label_(port.label()), driver_(port.driver()), settings_(settings) {
  // A driver without such events never sends one.
  for (const rte_eth_event_type event : kLossEvents)
    static_cast<void>(rte_eth_dev_callback_register(port_, event, on_loss, &losses_));
}

FlowDrop::~FlowDrop() {
  for (const rte_eth_event_type event : kLossEvents)
    while (rte_eth_dev_callback_unregister(port_, event, on_loss, &losses_) == -EAGAIN) continue;
}

base::Status FlowDrop::validate(const base::Ip& source, bool is_counted) {
  const Request request(source, settings_, is_counted);
  rte_flow_error error{};
  const int code =
      rte_flow_validate(port_, request.attributes(), request.pattern(), request.actions(), &error);
  if (code == 0) return {};
  return base::Error{fmt::format("driver {}: {}", driver_, words_of(error, -code))};
}

Answer FlowDrop::create(const base::Ip& source, bool is_counted) {
  const Request request(source, settings_, is_counted);
  rte_flow_error error{};
  rte_flow* flow =
      rte_flow_create(port_, request.attributes(), request.pattern(), request.actions(), &error);
  if (flow != nullptr) return {.rule = reinterpret_cast<Rule>(flow)};
  const int code = rte_errno;
  return failure(means_full(code) ? Outcome::full : Outcome::refused, error, code);
}

Answer FlowDrop::destroy(Rule rule) {
  rte_flow_error error{};
  const int code = rte_flow_destroy(port_, reinterpret_cast<rte_flow*>(rule), &error);
  if (code == 0) return {};
  return failure(outcome_of(-code), error, -code);
}

Answer FlowDrop::count(Rule rule) {
  static constexpr rte_flow_action kCount{RTE_FLOW_ACTION_TYPE_COUNT, nullptr};
  rte_flow_query_count found{};
  rte_flow_error error{};
  const int code =
      rte_flow_query(port_, reinterpret_cast<rte_flow*>(rule), &kCount, &found, &error);
  if (code != 0) return failure(outcome_of(-code), error, -code);
  return {.packets = found.hits_set != 0 ? found.hits : 0};
}

Answer FlowDrop::flush() {
  rte_flow_error error{};
  const int code = rte_flow_flush(port_, &error);
  if (code == 0) return {};
  return failure(Outcome::refused, error, -code);
}

}  // namespace edgesentry::nic
