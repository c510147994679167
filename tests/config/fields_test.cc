// The table of fields, and the edges of every range in it.
#include "config/fields.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "config/duration.h"
#include "config/render.h"
#include "config/sections.h"
#include "config_text.h"

namespace edgesentry::config {
namespace {

// A file with that one key set. Problems that other rules have with the value are not about ranges.
Loaded load_with(const Field& field, const std::string& value) {
  const std::string_view section = section_of(field.key);
  const std::string line = fmt::format("{} = {}\n", name_of(field.key), value);
  if (section == "segment") return load_text("[[segment]]\n" + line, "test.toml");
  if (section.empty()) return load_text(line, "test.toml");
  return load_text(fmt::format("[{}]\n{}", section, line), "test.toml");
}

bool refuses_value(const Loaded& loaded, const Field& field, std::string_view why) {
  return std::ranges::any_of(loaded.problems, [&](const Problem& problem) {
    return name_of(problem.key) == name_of(field.key) && has(problem.fault, why);
  });
}

bool is_list(const Field& field) {
  return type_words(field).starts_with("list");
}

std::string as_written(const Field& field, std::int64_t value) {
  std::string text = std::to_string(value);
  if (type_words(field).find("duration") != std::string::npos)
    text = toml_text(format_duration(std::chrono::milliseconds(value)));
  return is_list(field) ? fmt::format("[{}]", text) : text;
}

bool counts(const Field& field) {
  const std::string type = type_words(field);
  return type.find("number") != std::string::npos || type == "count" ||
         type.find("duration") != std::string::npos;
}

TEST(Fields, are_whole_and_unique) {
  std::set<std::string_view> keys;
  for (const Field& field : fields()) {
    EXPECT_TRUE(keys.insert(field.key).second) << field.key;
    EXPECT_TRUE(field.help.ends_with('.')) << field.key;
    EXPECT_LE(field.range.low, field.range.high) << field.key;
    EXPECT_EQ(find_field(field.key), &field);
    EXPECT_TRUE(std::ranges::any_of(sections(), [&](const Section& section) {
      return section.name == section_of(field.key);
    })) << field.key;
  }
  EXPECT_EQ(find_field("detect.nonsense"), nullptr);
}

TEST(Fields, are_sorted_by_section) {
  std::vector<std::string_view> order;
  for (const Field& field : fields())
    if (order.empty() || order.back() != section_of(field.key))
      order.push_back(section_of(field.key));
  ASSERT_EQ(order.size(), sections().size());
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], sections()[i].name);
}

TEST(Fields, have_examples_that_are_taken) {
  for (const Field& field : fields()) {
    const Loaded loaded = load_with(field, std::string(field.example));
    for (const Problem& problem : loaded.problems)
      EXPECT_FALSE(has(problem.remedy, "for example " + std::string(name_of(field.key))) &&
                   problem.line == 2)
          << problem.to_string();
  }
}

TEST(Fields, take_the_edges_of_their_range_and_nothing_beyond) {
  int checked = 0;
  for (const Field& field : fields()) {
    if (!counts(field)) continue;
    ++checked;
    const auto [low, high] = field.range;
    for (const std::int64_t inside : {low, high}) {
      const Loaded loaded = load_with(field, as_written(field, inside));
      EXPECT_FALSE(refuses_value(loaded, field, "is too small") ||
                   refuses_value(loaded, field, "is too large"))
          << field.key << " " << inside << "\n"
          << loaded.to_string();
    }
    if (low > 0) {
      EXPECT_TRUE(
          refuses_value(load_with(field, as_written(field, low - 1)), field, "is too small"))
          << field.key;
    }
    // Durations of whole seconds have no value one millisecond above.
    const std::int64_t above = type_words(field).find("duration") == std::string::npos ? 1 : 1000;
    EXPECT_TRUE(
        refuses_value(load_with(field, as_written(field, high + above)), field, "is too large"))
        << field.key;
  }
  EXPECT_GT(checked, 15);
}

TEST(Fields, refuse_every_wrong_type) {
  for (const Field& field : fields()) {
    int taken = 0;
    for (const char* value : {"true", "1979-05-27", "{ a = 1 }", "[[1]]", "2.5", "nan"}) {
      const Loaded loaded = load_with(field, value);
      const bool refused =
          refuses_value(loaded, field, "is not") || refuses_value(loaded, field, "has no unit");
      if (!refused) ++taken;
    }
    EXPECT_EQ(taken, type_words(field) == "true or false" ? 1 : 0) << field.key;
  }
}

// A path of one byte more than that.
std::string long_path(std::size_t length) {
  return fmt::format("\"/{:a>{}}\"", "", length);
}

TEST(Fields, take_texts_up_to_their_length) {
  for (const Field& field : fields()) {
    if (type_words(field) != "text") continue;
    const auto high = static_cast<std::size_t>(field.range.high);
    EXPECT_FALSE(refuses_value(load_with(field, long_path(high - 1)), field, "bytes, "))
        << field.key;
    EXPECT_TRUE(refuses_value(load_with(field, long_path(high)), field, "bytes, ")) << field.key;
    if (field.range.low > 0) {
      EXPECT_TRUE(refuses_value(load_with(field, "\"\""), field, "is empty")) << field.key;
    }
    EXPECT_TRUE(refuses_value(load_with(field, "\"a\\u0007\""), field, "control")) << field.key;
  }
}

TEST(Fields, have_defaults_within_their_ranges) {
  const Config defaults;
  for (const Field& field : fields()) {
    if (section_of(field.key) == "segment") continue;
    const std::string normal = render_value(field, defaults, nullptr);
    EXPECT_FALSE(refuses_value(load_with(field, normal), field, "is too")) << field.key << normal;
    EXPECT_FALSE(refuses_value(load_with(field, normal), field, "is not ")) << field.key << normal;
  }
}

}  // namespace
}  // namespace edgesentry::config
