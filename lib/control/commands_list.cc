// Lists that are looked through a page at a time. Each look is at a bounded part of what there is.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/event_view.h"
#include "control/mailbox.h"
#include "control/source_view.h"
#include "control/state.h"
#include "report/json_lines.h"
#include "scan/names.h"

namespace edgesentry::control {

namespace {

// A million blocks are paged in 16 replies at worst, and one look takes less than a round's alerts.
constexpr std::uint32_t kVisitsPerPage = 1u << 16;
constexpr std::array<std::string_view, 2> kFamilies = {"ipv4", "ipv6"};
constexpr std::array<std::string_view, 11> kActions = {
    "scan-detected",   "scan-grew",        "source-blocked", "source-would-be-blocked",
    "block-expired",   "source-unblocked", "port-touched",   "appliance",
    "source-reported", "service-start",    "service-stop"};
constexpr std::array<std::string_view, policy::kExemptWords.size()> kExemptNames = {
    "config",  "file",     "command",         "own_address",
    "gateway", "resolver", "special_address", "protected_network"};

base::Result<std::optional<base::Prefix>> within_member(const nlohmann::json& request) {
  if (!request.contains("within")) return std::optional<base::Prefix>();
  const auto prefix = prefix_member(request, "within");
  if (!prefix) return prefix.error();
  return std::optional(prefix.value());
}

// "" when it is absent.
base::Result<std::string> word_member(const nlohmann::json& request, std::string_view name,
                                      std::span<const std::string_view> words) {
  auto word = text_member(request, name);
  if (!word || word.value().empty() || std::ranges::find(words, word.value()) != words.end())
    return word;
  return base::Error{fmt::format("\"{}\": '{}' will not do; one of {}", name, shown(word.value()),
                                 fmt::join(words, ", "))};
}

struct BlockFilter {
  std::optional<base::Prefix> within;
  std::string family, technique, shape;  // empty: any

  [[nodiscard]] bool takes(const policy::Entry& entry) const {
    if (entry.standing != policy::Standing::blocked && entry.standing != policy::Standing::shadow)
      return false;
    if (within && !within->contains(entry.source)) return false;
    if (!family.empty() && (family == "ipv4") != entry.source.is_v4()) return false;
    if (technique.empty() && shape.empty()) return true;
    if (entry.evidence == nullptr) return false;
    return (technique.empty() || scan::to_string(entry.evidence->technique) == technique) &&
           (shape.empty() || scan::to_string(entry.evidence->shape) == shape);
  }
};

base::Result<BlockFilter> block_filter(const nlohmann::json& request) {
  BlockFilter filter;
  const auto within = within_member(request);
  if (!within) return within.error();
  filter.within = within.value();
  const auto family = word_member(request, "family", kFamilies);
  if (!family) return family.error();
  filter.family = family.value();
  const auto technique = word_member(request, "technique", scan::kTechniqueNames);
  if (!technique) return technique.error();
  filter.technique = technique.value();
  const auto shape = word_member(request, "shape", scan::kShapeNames);
  if (!shape) return shape.error();
  filter.shape = shape.value();
  return filter;
}

}  // namespace

nlohmann::json show_blocked(ControlState& state, const nlohmann::json& request) {
  const auto wanted_rows = count_member(request, "count", {1, 1000, 100});
  if (!wanted_rows) return error_reply(wanted_rows.error().text);
  const auto cursor = count_member(request, "cursor", {0, ~std::uint32_t{0}, 0});
  if (!cursor) return error_reply(cursor.error().text);
  const auto filter = block_filter(request);
  if (!filter) return error_reply(filter.error().text);
  nlohmann::json rows = nlohmann::json::array();
  auto at = static_cast<std::uint32_t>(cursor.value());
  for (std::uint32_t visits = 0; visits < kVisitsPerPage && rows.size() < wanted_rows.value();
       ++visits) {
    const policy::Entry* entry = nullptr;
    const auto page = state.ledger.page(at, 1, {&entry, 1});
    at = page.next;
    if (page.count == 1 && filter.value().takes(*entry)) rows.push_back(source_view(state, *entry));
    if (at == 0) break;
  }
  nlohmann::json reply = {{"ok", true},
                          {"enforcement", state.enforcement_words()},
                          {"blocked", state.ledger.blocked()},
                          {"would_be_blocked", state.ledger.shadowed()},
                          {"sources", std::move(rows)}};
  if (at != 0) reply["next"] = at;
  return reply;
}

nlohmann::json show_allowed(ControlState& state, const nlohmann::json& request) {
  const auto wanted_rows = count_member(request, "count", {1, 1000, 1000});
  if (!wanted_rows) return error_reply(wanted_rows.error().text);
  const auto cursor = count_member(request, "cursor", {0, ~std::uint32_t{0}, 0});
  if (!cursor) return error_reply(cursor.error().text);
  nlohmann::json rows = nlohmann::json::array();
  const policy::AllowLists& lists = state.lists;
  std::size_t number = 0, next = 0;
  for (const auto* list : {&lists.live, &lists.configured, &lists.file, &lists.never_ban}) {
    for (const policy::Exemption& exemption : *list) {
      if (number++ < cursor.value()) continue;
      if (rows.size() == wanted_rows.value()) {
        next = number - 1;
        break;
      }
      rows.push_back({{"network", exemption.prefix.to_string()},
                      {"by", scan::name_of(kExemptNames, exemption.kind)},
                      {"why", policy::words_for(exemption.kind)}});
    }
    if (next != 0) break;
  }
  nlohmann::json reply = {{"ok", true}, {"networks", std::move(rows)}};
  if (next != 0) reply["next"] = next;
  return reply;
}

nlohmann::json show_events(ControlState& state, const nlohmann::json& request) {
  const auto last = count_member(request, "count", {1, 1000, 20});
  if (!last) return error_reply(last.error().text);
  const auto since = count_member(request, "since", {0, ~std::uint64_t{0}, 0});
  if (!since) return error_reply(since.error().text);
  const auto within = within_member(request);
  if (!within) return error_reply(within.error().text);
  const auto action = word_member(request, "action", kActions);
  if (!action) return error_reply(action.error().text);
  const auto is_wanted = [&](const report::Event& event) {
    if (!action.value().empty() && report::action_name(event) != action.value()) return false;
    return !within.value() || (event.action != report::Action::appliance &&
                               within.value()->contains(event.source.address()));
  };
  std::vector<std::uint64_t> numbers;
  std::uint64_t stop = state.recent.end();
  // A reader who goes on from a number wants the oldest it has not seen; anybody else the newest.
  if (request.contains("since")) {
    std::uint64_t number = std::min(std::max(state.recent.first(), since.value()), stop);
    for (; number < stop && numbers.size() < last.value(); ++number)
      if (is_wanted(state.recent.at(number))) numbers.push_back(number);
    stop = number;
  } else {
    for (std::uint64_t number = stop;
         number > state.recent.first() && numbers.size() < last.value(); --number)
      if (is_wanted(state.recent.at(number - 1))) numbers.push_back(number - 1);
    std::ranges::reverse(numbers);
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const std::uint64_t number : numbers)
    rows.push_back(event_view(number, state.recent.at(number)));
  return {{"ok", true}, {"events", std::move(rows)}, {"next", stop}};
}

}  // namespace edgesentry::control
