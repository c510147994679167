#include "config/render.h"

#include <fmt/format.h>

#include <concepts>
#include <type_traits>

#include "config/duration.h"
#include "config/field_slots.h"
#include "config/sections.h"

namespace edgesentry::config {
namespace {

std::string text_of(bool value, const Field&) {
  return value ? "true" : "false";
}
std::string text_of(std::unsigned_integral auto value, const Field&) {
  return std::to_string(value);
}
std::string text_of(double value, const Field&) {
  return fmt::format("{}", value);
}
std::string text_of(const std::string& value, const Field&) {
  return toml_text(value);
}
std::string text_of(std::chrono::milliseconds value, const Field&) {
  return toml_text(format_duration(value));
}
std::string text_of(const base::PortSet& value, const Field&) {
  return toml_text(value.to_string());
}
std::string text_of(const base::Prefix& value, const Field&) {
  return toml_text(value.to_string());
}

std::string text_of(const Service& value, const Field&) {
  return toml_text(value.to_string());
}

template <class Enum>
requires std::is_enum_v<Enum> std::string text_of(Enum value, const Field& field) {
  return toml_text(field.words[static_cast<std::size_t>(value)]);
}

template <class Item>
std::string text_of(const std::vector<Item>& items, const Field& field) {
  std::string text = "[";
  for (const Item& item : items) {
    if (text.size() > 1) text += ", ";
    text += text_of(item, field);
  }
  return text + "]";
}

// What a key's type is called, and what its range counts.
struct Naming {
  std::string_view name;
  enum { number, probability, duration, text, items, none } range;
};

Naming naming(In<bool>) {
  return {"true or false", Naming::none};
}
template <std::unsigned_integral Number>
Naming naming(In<Number>) {
  return {"whole number", Naming::number};
}
Naming naming(In<std::uint32_t>) {
  return {"count", Naming::number};
}
Naming naming(In<double>) {
  return {"probability", Naming::probability};
}
Naming naming(In<std::string>) {
  return {"text", Naming::text};
}
Naming naming(std::string Segment::*) {
  return {"text", Naming::text};
}
Naming naming(In<std::vector<std::string>>) {
  return {"list of texts", Naming::text};
}
Naming naming(In<std::vector<std::uint16_t>>) {
  return {"list of whole numbers", Naming::number};
}
Naming naming(In<std::chrono::seconds>) {
  return {"duration", Naming::duration};
}
Naming naming(In<std::chrono::milliseconds>) {
  return {"duration", Naming::duration};
}
Naming naming(In<std::vector<std::chrono::seconds>>) {
  return {"list of durations", Naming::duration};
}
Naming naming(In<base::PortSet>) {
  return {"ports", Naming::none};
}
Naming naming(In<std::vector<base::Prefix>>) {
  return {"list of networks", Naming::none};
}
Naming naming(In<std::vector<Service>>) {
  return {"list of services", Naming::items};
}
template <class Enum>
requires std::is_enum_v<Enum> Naming naming(In<Enum>) {
  return {"one of", Naming::none};
}

Naming naming_of(const Field& field) {
  return std::visit([](auto slot) { return naming(slot); }, field.slot);
}

}  // namespace

std::string render_value(const Field& field, const Config& config, const Segment* segment) {
  if (const auto* member = std::get_if<std::string Segment::*>(&field.slot))
    return toml_text(segment == nullptr ? std::string_view{} : std::string_view{segment->**member});
  return std::visit(
      [&](auto slot) -> std::string {
        if constexpr (std::is_same_v<decltype(slot), std::string Segment::*>) {
          return {};
        } else {
          // A slot only forms the reference; nothing is written through it here.
          const auto& value = slot(const_cast<Config&>(config));
          return text_of(value, field);
        }
      },
      field.slot);
}

std::string type_words(const Field& field) {
  if (field.words.empty()) return std::string(naming_of(field).name);
  std::string text;
  for (const std::string_view word : field.words) {
    if (!text.empty()) text += ", ";
    text += toml_text(word);
  }
  return "one of " + text;
}

std::string range_words(const Field& field) {
  const auto [low, high] = field.range;
  if (low == 0 && high == 0) return {};
  switch (naming_of(field).range) {
    case Naming::number:
      return fmt::format("{} to {}", low, high);
    case Naming::probability:
      return fmt::format("{} to {}", static_cast<double>(low) / kBillion,
                         static_cast<double>(high) / kBillion);
    case Naming::duration:
      return format_duration(std::chrono::milliseconds{low}) + " to " +
             format_duration(std::chrono::milliseconds{high});
    case Naming::text:
      return low == 0 ? fmt::format("up to {} bytes", high)
                      : fmt::format("{} to {} bytes", low, high);
    case Naming::items:
      return fmt::format("up to {} entries", high);
    case Naming::none:
      break;
  }
  return {};
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string what_to_write(const Field& field) {
  const Naming named = naming_of(field);
  const bool has_article = named.range != Naming::none || named.name.starts_with("list");
  const std::string range = range_words(field);
  const std::string_view join = range.empty() ? ""
                                : named.range == Naming::text || named.range == Naming::items
                                    ? " of "
                                    : " from ";
  return fmt::format("Write {}{}{}{}, for example {} = {}", has_article ? "a " : "",
                     type_words(field), join, range, name_of(field.key), field.example);
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (const char c : text.substr(0, bytes_max)) out += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > bytes_max) out += "...";
  return out;
}

}  // namespace edgesentry::config
