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
  std::uint32_t add(std::uint64_t seconds) { return table_.add(at(seconds), 8).failures; }
  std::array<LoginTable::Record, 16> records_{};
  LoginTable table_{records_};
};

TEST_F(Logins, counts_by_source_and_port) {
  EXPECT_EQ(add(0), 1u);
  EXPECT_EQ(add(1), 2u);
  EXPECT_EQ(table_.add(at(1, 1, 21), 8).failures, 1u);
  EXPECT_EQ(table_.add(at(1, 2), 8).failures, 1u);
  EXPECT_EQ(table_.count(at(2)), 2u);
}

TEST_F(Logins, window_slides_by_single_failures) {
  for (std::uint64_t t = 0; t < 5; ++t) table_.add(at(t * 120), 8);
  EXPECT_EQ(table_.count(at(599)), 5u);
  EXPECT_EQ(table_.count(at(601 + 120)), 3u) << "those of second 0 and 120 are past";
  EXPECT_EQ(table_.count(at(2000)), 0u);
}

TEST_F(Logins, success_takes_the_newest_failures_off_and_never_saves_any_up) {
  for (std::uint64_t t = 0; t < 6; ++t) add(t * 10);
  table_.forgive(at(60), 4);
  EXPECT_EQ(table_.count(at(60)), 2u);
  EXPECT_EQ(table_.count(at(605)), 1u) << "the oldest was that of second 0";
  table_.forgive(at(605), 4);
  EXPECT_EQ(table_.count(at(605)), 0u);
  table_.forgive(at(606), 4);
  EXPECT_EQ(add(607), 1u);
}

TEST_F(Logins, successes_take_no_more_off_in_a_window_than_there_is_to_forgive) {
  std::uint32_t failures = 0;
  for (std::uint64_t t = 0; t < 30; ++t) {
    failures = add(t);
    table_.forgive(at(t), 4);
  }
  EXPECT_EQ(failures, 30 - LoginTable::kForgivenMost);
  // Worn off with time: half of it in half a window.
  for (std::uint64_t t = 330; t < 340; ++t) {
    add(t);
    table_.forgive(at(t), 4);
  }
  EXPECT_EQ(table_.count(at(340)), 40 - LoginTable::kForgivenMost - LoginTable::kForgivenMost / 2);
}

TEST_F(Logins, what_is_taken_back_leaves_as_much_to_forgive) {
  for (int round = 0; round < 30; ++round) {
    add(1);
    add(1);
    table_.take_back(at(2), 2);
  }
  table_.take_back(at(2), 3);
  EXPECT_EQ(table_.count(at(2)), 0u);
  for (std::uint32_t i = 0; i < LoginTable::kForgivenMost; ++i) add(3);
  table_.forgive(at(3), LoginTable::kForgivenMost);
  EXPECT_EQ(table_.count(at(3)), 0u);
}

TEST_F(Logins, knows_the_last_two_credentials_again_within_the_window) {
  const auto with = [](std::uint64_t seconds, std::uint16_t credentials) {
    LoginTable::Event event = at(seconds);
    event.credentials = credentials;
    return event;
  };
  EXPECT_FALSE(table_.repeats(with(0, 7)));
  table_.add(with(0, 7), 8);
  EXPECT_TRUE(table_.repeats(with(1, 7)));
  EXPECT_FALSE(table_.repeats(with(1, 8)));
  EXPECT_FALSE(table_.repeats(with(1, 0))) << "not known";
  table_.add(with(1, 8), 8);
  table_.add(with(1, 0), 8);
  EXPECT_TRUE(table_.repeats(with(2, 7)));
  EXPECT_TRUE(table_.repeats(with(2, 8)));
  table_.add(with(2, 9), 8);
  EXPECT_FALSE(table_.repeats(with(3, 7))) << "two are kept";
  EXPECT_FALSE(table_.repeats(with(700, 9))) << "the window is over";
}

TEST_F(Logins, what_was_forgiven_is_kept_when_no_failure_is_left) {
  for (int round = 0; round < 8; ++round) {
    add(1);
    add(1);
    table_.forgive(at(2), 4);
  }
  EXPECT_EQ(table_.count(at(2)), 0u);
  add(3);
  table_.forgive(at(3), 4);
  EXPECT_EQ(table_.count(at(3)), 1u);
}

TEST_F(Logins, row_lasts_since_its_first_failure_or_the_last_success) {
  EXPECT_EQ(table_.add(at(0), 8).lasting, base::Micros{0});
  EXPECT_NEAR(table_.add(at(40), 8).lasting.value, 40e6, 2e5);
  table_.forgive(at(50), 1);
  EXPECT_NEAR(table_.add(at(60), 8).lasting.value, 10e6, 2e5);
  LoginTable::Event back = at(60);
  back.now = base::seconds(1'700'000'049);
  EXPECT_EQ(table_.add(back, 8).lasting, base::Micros{0}) << "a clock that steps back";
}

TEST_F(Logins, tells_a_burst_from_as_many_in_a_second) {
  LoginTable::Event event = at(0);
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(table_.add(event, 8).is_burst);
  EXPECT_TRUE(table_.add(event, 8).is_burst);
  event.now = event.now + base::seconds(1);
  EXPECT_FALSE(table_.add(event, 8).is_burst);
  for (int i = 0; i < 30; ++i) {
    event.now = event.now + base::milliseconds(140);
    EXPECT_FALSE(table_.add(event, 8).is_burst);
  }
}

TEST_F(Logins, same_exploit_counts_once) {
  EXPECT_EQ(table_.add_mark(at(0), 7), 1u);
  EXPECT_EQ(table_.add_mark(at(1), 7), 1u);
  EXPECT_EQ(table_.add_mark(at(2), 8), 2u);
}

TEST_F(Logins, flood_of_sources_leaves_the_guesser_in_place) {
  for (int i = 0; i < 4; ++i) table_.add(at(0), 8);
  for (std::uint32_t source = 2; source < 5000; ++source) table_.add(at(1, source), 8);
  EXPECT_EQ(add(2), 5u);
}

TEST_F(Logins, more_failures_than_there_is_room_for_keep_the_newest) {
  for (std::uint64_t t = 0; t < 100; ++t) table_.add(at(t), 8);
  EXPECT_EQ(table_.count(at(100)), kLoginFailuresMax);
  EXPECT_EQ(table_.count(at(690)), 9u) << "failures of the seconds 90 to 99 less a rounding";
}

}  // namespace
}  // namespace edgesentry::scan
