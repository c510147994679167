#include "policy/thresholds.h"

#include <gtest/gtest.h>

namespace edgesentry::policy {
namespace {

TEST(Thresholds, of_an_empty_file_are_the_defaults_of_the_engine) {
  const scan::Thresholds made = thresholds_of({}), own;
  EXPECT_EQ(made.scan_trigger, own.scan_trigger);
  EXPECT_EQ(made.abnormal, own.abnormal);
  EXPECT_EQ(made.sequential, own.sequential);
  EXPECT_EQ(made.vertical_ports, own.vertical_ports);
  EXPECT_EQ(made.horizontal_targets, own.horizontal_targets);
  EXPECT_EQ(made.window, own.window);
  EXPECT_EQ(made.answer_timeout, own.answer_timeout);
}

TEST(Thresholds, take_unequal_probabilities_as_unequal_steps) {
  const scan::SequentialTest test =
      thresholds_of({.false_positive = 5e-5, .benign_success = 0.7, .scanner_success = 0.1})
          .sequential;
  EXPECT_EQ(test.straight_failures(), 10);
  EXPECT_GT(test.success, test.failure);
}

TEST(Services, keep_prefix_class_and_ports) {
  config::Networks networks;
  networks.services.push_back(config::Service::parse("192.0.2.0/24 udp 53,5000-5001").value());
  const scan::DeclaredServices services = services_of(networks);
  const base::Ip server = *base::Ip::parse("192.0.2.9");
  EXPECT_TRUE(services.contains(server, 53, scan::PortClass::udp));
  EXPECT_TRUE(services.contains(server, 5001, scan::PortClass::udp));
  EXPECT_FALSE(services.contains(server, 53, scan::PortClass::tcp));
  EXPECT_FALSE(services.contains(server, 54, scan::PortClass::udp));
}

}  // namespace
}  // namespace edgesentry::policy
