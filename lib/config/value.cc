#include "config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include "config/duration.h"
#include "config/field_slots.h"
#include "config/render.h"
#include "config/suggest.h"

namespace edgesentry::config {
namespace {

// The value as it was written, near enough to recognise it.
std::string shown(const toml::node& node) {
  if (const auto text = node.value_exact<std::string_view>()) return '"' + printable(*text) + '"';
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  return "a date or time";
}

class Reader {
 public:
  Reader(const Field& field, std::vector<Complaint>& complaints)
      : field_(field), complaints_(complaints) {}

  void read(const toml::node& node, bool& target) {
    if (const auto flag = node.value_exact<bool>()) {
      target = *flag;
    } else {
      refuse(node, "is not true or false");
    }
  }

  template <std::unsigned_integral Number>
  void read(const toml::node& node, Number& target) {
    if (const auto number = count(node)) target = static_cast<Number>(*number);
  }

  void read(const toml::node& node, double& target) {
    const auto number = node.is_integer() ? node.value<double>() : node.value_exact<double>();
    if (!number || !(*number > 0 && *number < 1))  // NaN is neither
      return refuse(node, "is not a number between 0 and 1");
    if (*number * kBillion < static_cast<double>(field_.range.low))
      return refuse(node, "is too small");
    if (*number * kBillion > static_cast<double>(field_.range.high))
      return refuse(node, "is too large");
    target = *number;
  }

  void read(const toml::node& node, std::string& target) {
    if (const auto checked = text(node)) target = *checked;
  }

  void read(const toml::node& node, std::chrono::milliseconds& target) {
    if (const auto length = duration(node)) target = *length;
  }

  void read(const toml::node& node, std::chrono::seconds& target) {
    const auto length = duration(node);
    if (!length) return;
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(*length);
    if (whole != *length) return refuse(node, "is not a number of whole seconds");
    target = whole;
  }

  void read(const toml::node& node, base::PortSet& target) {
    const auto list = node.value_exact<std::string_view>();
    if (!list) return refuse(node, "is not a list of ports in quotes");
    auto ports = base::PortSet::parse(*list);
    if (!ports.ok()) return refuse(node, "is not a list of ports: " + ports.error().text);
    if (ports.value().contains(0)) return refuse(node, "names port 0, which cannot be watched");
    target = ports.value();
  }

  void read(const toml::node& node, base::Prefix& target) {
    const auto written = node.value_exact<std::string_view>();
    const auto prefix = written ? base::Prefix::parse(*written) : std::nullopt;
    if (!prefix) return refuse(node, "is not an address or a network in quotes");
    target = *prefix;
  }

  void read(const toml::node& node, Service& target) {
    const auto written = node.value_exact<std::string_view>();
    if (!written) return refuse(node, "is not a service in quotes");
    auto service = Service::parse(*written);
    if (!service.ok()) return refuse(node, "is not a service: " + service.error().text);
    target = std::move(service).value();
  }

  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(const toml::node& node, Enum& target) {
    const auto word = node.value_exact<std::string_view>();
    const auto found = std::ranges::find(field_.words, word.value_or(""));
    if (found != field_.words.end()) {
      target = static_cast<Enum>(found - field_.words.begin());
      return;
    }
    const std::string_view near = word ? nearest(*word, field_.words) : std::string_view{};
    const std::string remedy =
        near.empty() ? what_to_write(field_) : "Did you mean " + toml_text(near) + "?";
    complaints_.push_back({node.source().begin, shown(node) + " is not known", remedy});
  }

  template <class Item>
  void read(const toml::node& node, std::vector<Item>& target) {
    const toml::array* list = node.as_array();
    if (list == nullptr) return refuse(node, "is not a list in [ ]");
    if constexpr (std::is_same_v<Item, Service>) {
      if (static_cast<std::int64_t>(list->size()) > field_.range.high)
        return refuse(
            node, fmt::format("has {} entries, {} are possible", list->size(), field_.range.high));
    }
    const std::size_t before = complaints_.size();
    std::vector<Item> items;
    for (const toml::node& element : *list) read(element, items.emplace_back());
    if (complaints_.size() == before) target = std::move(items);
  }

 private:
  std::optional<std::int64_t> count(const toml::node& node) {
    std::optional<std::int64_t> number = node.value_exact<std::int64_t>();
    if (const auto written = node.value_exact<std::string_view>()) {
      const auto parsed = parse_count(*written);
      if (parsed.ok()) number = parsed.value();
    }
    if (!number) {
      refuse(node, "is not a whole number");
    } else if (!is_within(node, *number)) {
      number.reset();
    }
    return number;
  }

  std::optional<std::string> text(const toml::node& node) {
    const auto written = node.value_exact<std::string_view>();
    if (!written) {
      refuse(node, "is not a text in quotes");
      return std::nullopt;
    }
    const bool has_control = std::ranges::any_of(
        *written, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (has_control) {
      refuse(node, "holds a control character");
      return std::nullopt;
    }
    const auto size = static_cast<std::int64_t>(written->size());
    if (size == 0 && field_.range.low > 0) {
      refuse(node, "is empty");
      return std::nullopt;
    }
    if (size > field_.range.high) {
      refuse(node, fmt::format("has {} bytes, {} are possible", size, field_.range.high));
      return std::nullopt;
    }
    return std::string(*written);
  }

  std::optional<std::chrono::milliseconds> duration(const toml::node& node) {
    const auto written = node.value_exact<std::string_view>();
    const auto length = written ? parse_duration(*written)
                                : base::Result<std::chrono::milliseconds>(base::Error{
                                      node.is_number() ? "has no unit" : "is not a duration"});
    if (!length.ok()) {
      refuse(node, length.error().text);
      return std::nullopt;
    }
    if (!is_within(node, length.value().count())) return std::nullopt;
    return length.value();
  }

  bool is_within(const toml::node& node, std::int64_t value) {
    if (value < field_.range.low) {
      refuse(node, "is too small");
      return false;
    }
    if (value > field_.range.high) {
      refuse(node, "is too large");
      return false;
    }
    return true;
  }

  void refuse(const toml::node& node, std::string_view why) {
    complaints_.push_back(
        {node.source().begin, fmt::format("{} {}", shown(node), why), what_to_write(field_)});
  }

  const Field& field_;
  std::vector<Complaint>& complaints_;
};

}  // namespace

std::vector<Complaint> set_value(const Field& field, const toml::node& node, Config& config,
                                 Segment* segment) {
  std::vector<Complaint> complaints;
  Reader reader(field, complaints);
  std::visit(
      [&](auto slot) {
        if constexpr (std::is_same_v<decltype(slot), std::string Segment::*>) {
          EDGESENTRY_CHECK(segment != nullptr, "keys of [[segment]] are read into their table");
          reader.read(node, segment->*slot);
        } else {
          reader.read(node, slot(config));
        }
      },
      field.slot);
  return complaints;
}

}  // namespace edgesentry::config
