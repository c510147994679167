#include "scan/service_map.h"

#include <gtest/gtest.h>

#include <vector>

namespace edgesentry::scan {
namespace {

TEST(ServiceMap, knows_exactly_what_it_learned) {
  std::vector<ServiceMap::Entry> entries(ServiceMap::kEntries);
  ServiceMap map{entries, 42};
  map.learn(7, 443, PortClass::tcp);
  EXPECT_TRUE(map.is_live(7, 443, PortClass::tcp));
  EXPECT_FALSE(map.is_live(7, 443, PortClass::udp));
  EXPECT_FALSE(map.is_live(7, 444, PortClass::tcp));
  EXPECT_FALSE(map.is_live(8, 443, PortClass::tcp));
}

TEST(ServiceMap, forgets_rather_than_mistakes_one_service_for_another) {
  std::vector<ServiceMap::Entry> entries(ServiceMap::kEntries);
  ServiceMap map{entries, 42};
  for (std::uint32_t target = 0; target < 100'000; ++target) map.learn(target, 80, PortClass::tcp);
  int mistaken = 0;
  for (std::uint32_t target = 0; target < 100'000; ++target)
    mistaken += map.is_live(target, 81, PortClass::tcp);
  EXPECT_EQ(mistaken, 0);
}

}  // namespace
}  // namespace edgesentry::scan
