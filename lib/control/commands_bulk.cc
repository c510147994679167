// Many blocks at once: all of them or none, with an answer for each.
#include <fmt/core.h>

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "control/block_orders.h"
#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/mailbox.h"

namespace edgesentry::control {

namespace {

// A thousand take the control thread some milliseconds, and 64 KiB, a line of the socket, hold as
// many IPv6 prefixes.
constexpr std::size_t kItemsMax = 1000;

nlohmann::json check_items(const nlohmann::json& request) {
  const auto items = request.find("items");
  if (items == request.end() || !items->is_array() || items->empty())
    return error_reply("\"items\" is an array of addresses, or of objects with \"address\"");
  if (items->size() > kItemsMax)
    return error_reply(
        fmt::format("\"items\" has {} entries, and {} are taken at once; ask several times",
                    items->size(), kItemsMax));
  if (const auto dry = request.find("dry_run"); dry != request.end() && !dry->is_boolean())
    return error_reply(
        fmt::format("\"dry_run\": {} will not do; write true or false", shown_value(*dry)));
  return nullptr;
}

// An item as the request for it alone: a text is its address; "for" and "reason" of the whole
// request stand where the item has none.
nlohmann::json request_of(const nlohmann::json& item, const nlohmann::json& whole) {
  nlohmann::json request = item;
  if (item.is_string()) request = {{"address", item}};
  if (!request.is_object()) return error_reply("an item is an address or an object");
  for (const auto& member : request.items())
    if (member.key() != "address" && member.key() != "for" && member.key() != "reason")
      return error_reply(
          fmt::format("an item takes no '{}'; it takes address, for, reason", shown(member.key())));
  for (const char* name : {"for", "reason"})
    if (!request.contains(name) && whole.contains(name)) request[name] = whole[name];
  return request;
}

// Per-item answers of one request, in its order.
class Answers {
 public:
  void add(const nlohmann::json& item, nlohmann::json fault) {
    const nlohmann::json& address =
        item.is_object() ? item.value("address", nlohmann::json()) : item;
    nlohmann::json answer = {
        {"address", shown(address.is_string() ? address.get_ref<const std::string&>()
                                              : shown_value(address))}};
    if (fault.is_null()) {
      answer["ok"] = true;
    } else {
      answer.update(fault);
      ++faults_;
    }
    rows_.push_back(std::move(answer));
  }
  [[nodiscard]] bool has_faults() const noexcept { return faults_ > 0; }
  [[nodiscard]] nlohmann::json refusal() && {
    nlohmann::json reply = error_reply(
        fmt::format("{} of {} items will not do, and nothing was changed; \"items\" says which",
                    faults_, rows_.size()));
    reply["items"] = std::move(rows_);
    return reply;
  }

 private:
  nlohmann::json rows_ = nlohmann::json::array();
  std::size_t faults_ = 0;
};

// What an item alone could not show to be wrong: the same source stands in two of them.
nlohmann::json check_twice(std::set<base::Ip>& seen, const base::Ip& key, nlohmann::json fault) {
  if (fault.is_null() && !seen.insert(key).second)
    return error_reply("the same source stands in an item before; take one of them out");
  return fault;
}

nlohmann::json done(nlohmann::json rows) {
  const std::size_t count = rows.size();
  return {{"ok", true}, {"count", count}, {"items", std::move(rows)}};
}

bool is_dry_run(const nlohmann::json& request) {
  return request.value("dry_run", false);
}

// By the names of the ledger, which has IPv6 sources as prefixes.
template <class Sources, class Project>
nlohmann::json foreseen(const ControlState& state, const Sources& sources, Project source_of) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& each : sources)
    rows.push_back({{"source", state.ledger.prefix_of(source_of(each)).to_string()}});
  return done(std::move(rows));
}

}  // namespace

nlohmann::json block_many(ControlState& state, const nlohmann::json& request) {
  if (nlohmann::json fault = check_items(request); !fault.is_null()) return fault;
  std::vector<BlockOrder> orders;
  std::set<base::Ip> seen;
  std::size_t strangers = 0;
  Answers answers;
  for (const nlohmann::json& item : request["items"]) {
    nlohmann::json fault = request_of(item, request);
    BlockOrder order;
    if (!fault.contains("ok")) fault = read_block(state, fault, order);
    fault = check_twice(seen, state.ledger.key_of(order.source), std::move(fault));
    if (fault.is_null() && !is_in_ledger(state, order.source)) ++strangers;
    answers.add(item, std::move(fault));
    orders.push_back(std::move(order));
  }
  if (answers.has_faults()) return std::move(answers).refusal();
  if (nlohmann::json fault = check_room(state, strangers); !fault.is_null()) return fault;
  if (is_dry_run(request)) {
    nlohmann::json reply =
        foreseen(state, orders, [](const BlockOrder& order) { return order.source; });
    reply["new"] = strangers;
    reply["room"] = room_left(state);
    return reply;
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const BlockOrder& order : orders) rows.push_back(carry_out(state, order));
  return done(std::move(rows));
}

nlohmann::json unblock_many(ControlState& state, const nlohmann::json& request) {
  if (nlohmann::json fault = check_items(request); !fault.is_null()) return fault;
  std::vector<base::Ip> sources;
  std::set<base::Ip> seen;
  Answers answers;
  for (const nlohmann::json& item : request["items"]) {
    nlohmann::json fault = request_of(item, nlohmann::json::object());
    base::Ip source;
    if (!fault.contains("ok")) fault = read_unblock(state, fault, source);
    answers.add(item, check_twice(seen, state.ledger.key_of(source), std::move(fault)));
    sources.push_back(source);
  }
  if (answers.has_faults()) return std::move(answers).refusal();
  if (is_dry_run(request)) return foreseen(state, sources, std::identity());
  nlohmann::json rows = nlohmann::json::array();
  for (const base::Ip& source : sources) rows.push_back(let_in(state, source));
  return done(std::move(rows));
}

}  // namespace edgesentry::control
