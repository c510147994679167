#include "bulk_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "address_list.h"
#include "control_client.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

using base::Result;
using Json = nlohmann::json;

constexpr std::size_t kItemsMax = 1000;  // of one request

class Bulk {
 public:
  Bulk(const DaemonArguments& arguments, Json request, const AddressList& list)
      : arguments_(arguments), request_(std::move(request)), list_(list) {}

  base::Status foresee();
  base::Status carry_out();

 private:
  using Lines = std::span<const AddressLine>;
  [[nodiscard]] Lines lines_at(std::size_t at) const {
    return Lines(list_.lines).subspan(at, std::min(kItemsMax, list_.lines.size() - at));
  }
  Result<Json> ask(Lines lines);
  [[nodiscard]] base::Error refusal(const Json& reply, const std::string& text, Lines lines) const;
  void note_twice(const Json& reply, Lines lines);

  const DaemonArguments& arguments_;
  Json request_;
  const AddressList& list_;
  std::size_t done_ = 0;
  ListFaults twice_;
  std::map<std::string, std::size_t> sources_;  // their lines
};

Result<Json> Bulk::ask(Lines lines) {
  Json items = Json::array();
  for (const AddressLine& line : lines) items.push_back(line.text);
  request_["items"] = std::move(items);
  const auto raw = ControlClient(arguments_.socket).ask_raw(request_);
  if (!raw) return raw.error();
  auto reply = ControlClient::understand(raw.value());
  const bool is_trial = request_.contains("dry_run");
  if (arguments_.json && !(reply && is_trial)) fmt::print("{}\n", raw.value());
  if (reply) return reply;
  return refusal(Json::parse(raw.value(), nullptr, false), reply.error().text, lines);
}

// With the lines of what was refused, where the reply says what.
base::Error Bulk::refusal(const Json& reply, const std::string& text, Lines lines) const {
  const std::string consequence =
      done_ == 0 ? "nothing was changed" : fmt::format("the {} before them are done", done_);
  ListFaults faults;
  const Json items = reply.is_object() ? reply.value("items", Json()) : Json();
  for (std::size_t i = 0; items.is_array() && i < std::min(items.size(), lines.size()); ++i)
    if (items[i].is_object() && items[i].contains("error") && items[i]["error"].is_string())
      faults.add(list_.name, lines[i].number, items[i]["error"].get<std::string>());
  if (faults.count() > 0) return faults.error(list_, consequence);
  return base::Error{fmt::format("{}: {}\n{}", list_.name, text, consequence)};
}

// The same IPv6 network in two requests, which no request alone shows.
void Bulk::note_twice(const Json& reply, Lines lines) {
  const Json items = reply.value("items", Json());
  for (std::size_t i = 0; items.is_array() && i < std::min(items.size(), lines.size()); ++i) {
    if (!items[i].is_object() || !items[i].contains("source") || !items[i]["source"].is_string())
      continue;
    const auto [first, is_new] =
        sources_.emplace(items[i]["source"].get<std::string>(), lines[i].number);
    if (!is_new)
      twice_.add(list_.name, lines[i].number,
                 fmt::format("{} is the same source, {}, as in line {}; take one of them out",
                             lines[i].text, first->first, first->second));
  }
}

base::Status Bulk::foresee() {
  if (list_.lines.size() <= kItemsMax) return {};  // one request, which is all or nothing
  request_["dry_run"] = true;
  std::uint64_t strangers = 0, room = 0;
  for (std::size_t at = 0; at < list_.lines.size(); at += kItemsMax) {
    const Lines lines = lines_at(at);
    const auto reply = ask(lines);
    if (!reply) return reply.error();
    note_twice(reply.value(), lines);
    strangers += reply.value().value("new", std::uint64_t{0});
    room = reply.value().value("room", ~std::uint64_t{0});
  }
  request_.erase("dry_run");
  if (twice_.count() > 0) return twice_.error(list_, "nothing was changed");
  if (strangers > room)
    return base::Error{fmt::format(
        "{}: {} of its sources are not blocked yet, and table.blocks has room for {} more; unblock "
        "some, or raise table.blocks and restart\nnothing was changed",
        list_.name, strangers, room)};
  return {};
}

base::Status Bulk::carry_out() {
  for (std::size_t at = 0; at < list_.lines.size(); at += kItemsMax) {
    const auto reply = ask(lines_at(at));
    if (!reply) return reply.error();
    done_ = at + lines_at(at).size();
    if (reply.value().contains("warning"))
      fmt::print(stderr, "edgesentry: {}\n", printable(reply.value()["warning"].dump()));
  }
  return {};
}

}  // namespace

Result<std::size_t> change_many(const DaemonArguments& arguments, Json request) {
  const auto list = read_addresses(arguments.list);
  if (!list) return list.error();
  request["command"] = arguments.command + "-many";
  Bulk bulk(arguments, std::move(request), list.value());
  if (base::Status foreseen = bulk.foresee(); !foreseen) return foreseen.error();
  if (base::Status done = bulk.carry_out(); !done) return done.error();
  return list.value().lines.size();
}

}  // namespace edgesentry::cli
