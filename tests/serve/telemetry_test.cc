#include "serve/telemetry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "control/commands.h"

namespace edgesentry::serve {
namespace {

using Json = nlohmann::json;

TEST(Telemetry, offers_only_commands_that_change_nothing) {
  for (const TelemetryCommand& offered : telemetry_commands()) {
    const auto table = control::command_table();
    const auto row =
        std::ranges::find(table, std::string_view(offered.name), &control::CommandRow::name);
    ASSERT_NE(row, table.end()) << offered.name;
    EXPECT_FALSE(row->changes) << offered.name;
    const auto is_it = [&](const control::CommandMember& m) { return m.name == offered.member; };
    EXPECT_TRUE(offered.member.empty() || std::ranges::any_of(row->members, is_it));
  }
}

TEST(Telemetry, flattens_objects_and_keeps_numbers_numbers) {
  const TelemetryDict dict =
      telemetry_dict({{"ok", true},
                      {"packets", {{"received", 12u}, {"of ours", "a \"b\"\n"}}},
                      {"enforcers", Json::array({{{"name", "workers"}}, {{"name", "nftables"}}})}});
  const TelemetryDict wanted = {{"enforcers/0/name", "workers"},
                                {"enforcers/1/name", "nftables"},
                                {"ok", std::uint64_t{1}},
                                {"packets/of_ours", "a 'b''"},
                                {"packets/received", std::uint64_t{12}}};
  EXPECT_EQ(dict, wanted);
}

TEST(Telemetry, stays_within_what_the_protocol_can_carry) {
  Json large = Json::object();
  for (int i = 0; i < 1000; ++i) large["key" + std::to_string(i)] = std::string(1000, 'x');
  const TelemetryDict dict = telemetry_dict(large);
  EXPECT_EQ(dict.size(), 256u);
  for (const auto& [name, value] : dict) EXPECT_EQ(std::get<std::string>(value).size(), 127u);
  Json list = Json::array();
  for (int i = 0; i < 1000; ++i)
    list.push_back({{"source", "192.0.2.1"}, {"text", std::string(500, 'y')}});
  const auto lines = telemetry_lines(list);
  EXPECT_EQ(lines.size(), 512u);
  for (const std::string& line : lines) EXPECT_LE(line.size(), 127u);
  EXPECT_TRUE(telemetry_dict(Json::array()).empty());
  EXPECT_TRUE(telemetry_lines("text").empty());
}

}  // namespace
}  // namespace edgesentry::serve
