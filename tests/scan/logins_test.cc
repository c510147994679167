// The sliding window of failed logins, and what a flood of sources does to it.
#include "scan/logins.h"

#include <gtest/gtest.h>

#include <array>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

class Logins : public testing::Test {
 protected:
  static LoginTable::Event at(std::uint64_t seconds, std::uint32_t source = 1,
                              std::uint16_t port = 22) {
    return {.source = ip4(198, 51, source >> 8 & 255, source & 255),
            .hash = source * 0x9e3779b1u,
            .port = port,
            .now = base::seconds(1'700'000'000 + seconds),
            .window = base::seconds(600)};
  }
  std::array<LoginTable::Record, 16> records_{};
  LoginTable table_{records_};
};

TEST_F(Logins, counts_by_source_and_port) {
  EXPECT_EQ(table_.add(at(0)), 1u);
  EXPECT_EQ(table_.add(at(1)), 2u);
  EXPECT_EQ(table_.add(at(1, 1, 21)), 1u);
  EXPECT_EQ(table_.add(at(1, 2)), 1u);
  EXPECT_EQ(table_.count(at(2)), 2u);
}

TEST_F(Logins, window_slides_by_single_failures) {
  for (std::uint64_t t = 0; t < 5; ++t) table_.add(at(t * 120));
  EXPECT_EQ(table_.count(at(599)), 5u);
  EXPECT_EQ(table_.count(at(601 + 120)), 3u) << "those of second 0 and 120 are past";
  EXPECT_EQ(table_.count(at(2000)), 0u);
}

TEST_F(Logins, forgives_few_failures_and_not_many) {
  for (int i = 0; i < 3; ++i) table_.add(at(0));
  table_.forgive(at(1), 3);
  EXPECT_EQ(table_.count(at(1)), 0u);
  for (int i = 0; i < 4; ++i) table_.add(at(0));
  table_.forgive(at(1), 3);
  EXPECT_EQ(table_.count(at(1)), 4u);
}

TEST_F(Logins, same_exploit_counts_once) {
  EXPECT_EQ(table_.add_mark(at(0), 7), 1u);
  EXPECT_EQ(table_.add_mark(at(1), 7), 1u);
  EXPECT_EQ(table_.add_mark(at(2), 8), 2u);
}

TEST_F(Logins, flood_of_sources_leaves_the_guesser_in_place) {
  for (int i = 0; i < 4; ++i) table_.add(at(0));
  for (std::uint32_t source = 2; source < 5000; ++source) table_.add(at(1, source));
  EXPECT_EQ(table_.add(at(2)), 5u);
}

TEST_F(Logins, more_failures_than_there_is_room_for_keep_the_newest) {
  for (std::uint64_t t = 0; t < 100; ++t) table_.add(at(t));
  EXPECT_EQ(table_.count(at(100)), kLoginFailuresMax);
  EXPECT_EQ(table_.count(at(690)), 9u) << "failures of the seconds 90 to 99 less a rounding";
}

}  // namespace
}  // namespace edgesentry::scan
