#include "scan/suspect.h"

#include <gtest/gtest.h>

#include <memory>

namespace edgesentry::scan {
namespace {

Contact contact(std::uint32_t target, std::uint16_t port, std::uint32_t at_ms = 0,
                Outcome outcome = Outcome::pending) {
  return {.target = target,
          .at_ms = at_ms,
          .port = port,
          .source_port = 40000,
          .port_class = PortClass::tcp,
          .technique = Technique::tcp_syn,
          .outcome = outcome,
          .sent = 1};
}

TEST(Suspect, finds_a_contact_by_target_port_and_class) {
  auto suspect = std::make_unique<Suspect>();
  suspect->add(contact(1, 80));
  suspect->add(contact(2, 80));
  ASSERT_NE(suspect->find(1, 80, PortClass::tcp), nullptr);
  EXPECT_EQ(suspect->find(1, 80, PortClass::tcp)->target, 1u);
  EXPECT_EQ(suspect->find(1, 81, PortClass::tcp), nullptr);
  EXPECT_EQ(suspect->find(1, 80, PortClass::udp), nullptr);
}

TEST(Suspect, drops_what_says_nothing_before_the_oldest_evidence) {
  auto suspect = std::make_unique<Suspect>();
  for (std::uint32_t i = 0; i < kContacts; ++i)
    suspect->add(contact(1, static_cast<std::uint16_t>(i), i, Outcome::refused));
  suspect->contacts[40].outcome = Outcome::completed;
  suspect->add(contact(1, 1000, 99));
  EXPECT_EQ(suspect->find(1, 40, PortClass::tcp), nullptr);
  EXPECT_NE(suspect->find(1, 0, PortClass::tcp), nullptr);
  suspect->add(contact(1, 1001, 100));
  EXPECT_EQ(suspect->find(1, 0, PortClass::tcp), nullptr) << "then the oldest goes";
  EXPECT_EQ(suspect->contact_count, kContacts);
  EXPECT_EQ(suspect->contacts_ever, kContacts + 2);
}

TEST(Suspect, forgets_only_what_left_the_window) {
  auto suspect = std::make_unique<Suspect>();
  for (std::uint32_t i = 0; i < 10; ++i) suspect->add(contact(i, 80, i * 100));
  std::uint32_t undone = 0;
  suspect->forget_before(500, [&](const Contact& contact) {
    EXPECT_LT(contact.at_ms, 500u);
    ++undone;
  });
  EXPECT_EQ(undone, 5u);
  EXPECT_EQ(suspect->contact_count, 5);
  EXPECT_EQ(suspect->find(4, 80, PortClass::tcp), nullptr);
  EXPECT_NE(suspect->find(5, 80, PortClass::tcp), nullptr);
}

TEST(Suspect, starts_anew_when_nothing_is_left_in_the_window) {
  auto suspect = std::make_unique<Suspect>();
  suspect->add(contact(1, 80, 100));
  suspect->remember(base::Ip::v4(1), 80);
  suspect->score = 4;
  suspect->abnormal_kinds = 7;
  suspect->forget_before(200, [](const Contact&) {});
  EXPECT_EQ(suspect->score, 0);
  EXPECT_EQ(suspect->abnormal_kinds, 0u);
  EXPECT_EQ(suspect->ports_kept, 0);
  EXPECT_EQ(estimate_distinct(suspect->port_bits), 0u);
}

TEST(Suspect, moves_its_zero_before_milliseconds_wrap) {
  auto suspect = std::make_unique<Suspect>();
  constexpr base::Micros kDay = base::seconds(86'400);
  suspect->first_seen = base::seconds(1000);
  const base::Micros now{suspect->first_seen.value + 40 * kDay.value};
  suspect->add(contact(1, 80, suspect->since_first_ms(now) - 5));
  suspect->rebase(kDay, now);
  EXPECT_EQ(suspect->since_first_ms(now), kDay.value / 1000);
  EXPECT_EQ(suspect->contacts[0].at_ms, kDay.value / 1000 - 5);
  suspect->rebase(kDay, now);
  EXPECT_EQ(suspect->since_first_ms(now), kDay.value / 1000) << "once is enough";
}

TEST(Suspect, keeps_the_first_distinct_ports_and_targets) {
  auto suspect = std::make_unique<Suspect>();
  const base::Ip target = base::Ip::v4(0x0a000001);
  for (int i = 0; i < 100; ++i) suspect->remember(target, static_cast<std::uint16_t>(i % 30));
  EXPECT_EQ(suspect->ports_kept, kAlertPorts);
  EXPECT_EQ(suspect->targets_kept, 1);
  EXPECT_EQ(suspect->ports[0], 0);
  EXPECT_EQ(suspect->ports[23], 23);
}

TEST(Suspect, estimates_distinct_ports_within_a_tenth) {
  for (const std::uint32_t count : {10u, 100u, 300u, 1000u}) {
    auto suspect = std::make_unique<Suspect>();
    for (std::uint32_t i = 0; i < count; ++i)
      suspect->remember(base::Ip::v4(1), static_cast<std::uint16_t>(1 + i));
    EXPECT_NEAR(estimate_distinct(suspect->port_bits), count, count * 0.15 + 2) << count;
  }
}

}  // namespace
}  // namespace edgesentry::scan
