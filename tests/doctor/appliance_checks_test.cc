// What a running appliance says, and what somebody else on its socket might say.
#include "ward.h"

namespace edgesentry::doctor {
namespace {

nlohmann::json port_that(const char* spread, unsigned queues) {
  return {{"name", "lan outside"},
          {"driver", "net_ice"},
          {"spread", spread},
          {"rx_queues", queues},
          {"tx_queues", 2u},
          {"rx_queues_max", 64u},
          {"tx_queues_max", 64u},
          {"rss", {"ipv4", "source_only"}},
          {"rss_offered", {"ipv4", "source_only"}},
          {"rx_checksum", {"ipv4", "tcp"}}};
}

struct RunningWard : Ward {
  explicit RunningWard(const nlohmann::json& port) {
    config.workers.count = 2;
    status = {{"ok", true},
              {"version", "1.2.3"},
              {"mode", "enforce"},
              {"failures", nlohmann::json::array()},
              {"machine", {{"worker_cpus", {2u, 3u}}, {"ports", nlohmann::json::array({port})}}},
              {"enforcers",
               nlohmann::json::array({{{"name", "rte_flow"}, {"place", "on lan outside"}}})}};
  }
};

TEST(Appliance, that_does_not_run_is_unknown) {
  const Ward ward;
  EXPECT_EQ(ward.of("edgesentryd").status, Status::unknown);
  EXPECT_TRUE(has(ward.of("edgesentryd").fix, "systemctl start"));
}

TEST(Appliance, tells_what_the_nic_granted) {
  const RunningWard ward(port_that("by_source", 2));
  EXPECT_TRUE(has(ward.of("edgesentryd").found, "1.2.3"));
  EXPECT_TRUE(has(ward.of("workers").found, "CPUs 2,3"));
  EXPECT_EQ(ward.of("lan outside RSS").status, Status::ok);
  EXPECT_TRUE(has(ward.of("lan outside RSS").found, "ipv4, source_only"));
  EXPECT_EQ(ward.of("lan outside queues").status, Status::ok);
  EXPECT_TRUE(has(ward.of("lan outside checksums").found, "ipv4, tcp"));
  EXPECT_EQ(ward.of("rte_flow").found, "on lan outside");
}

TEST(Appliance, tells_what_the_nic_refused) {
  RunningWard ward(port_that("handover", 1));
  EXPECT_EQ(ward.of("lan outside RSS").status, Status::warn);
  EXPECT_EQ(ward.of("lan outside queues").status, Status::warn);
  ward.status["enforcers"][0]["place"] = "not on lan outside (Function not implemented)";
  EXPECT_EQ(ward.of("rte_flow").status, Status::ok) << "the workers drop";
  ward.config.enforce.rte_flow = config::RteFlow::on;
  EXPECT_EQ(ward.of("rte_flow").status, Status::warn);
  ward.config.placement = config::Placement::tap;
  EXPECT_EQ(ward.of("lan outside RSS").status, Status::ok) << "no NIC could do better for a mirror";
  EXPECT_EQ(RunningWard(port_that("by_source_ipv4", 2)).of("lan outside RSS").status, Status::warn);
  ward.status["failures"] = nlohmann::json::parse(R"([{"name": "disk_full", "text": "no room"}])");
  EXPECT_EQ(ward.of("failures").status, Status::warn);
}

TEST(Appliance, may_say_anything_without_harm) {
  const std::string huge(1u << 20, 'x');
  std::string many = "1";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  for (const std::string& text :
       {std::string("{}"), std::string(R"({"machine": 7})"),
        std::string(R"({"machine": {"ports": "none"}})"),
        std::string(R"({"machine": {"ports": [1, null, {"name": 3}]}})"),
        R"({"machine": {"worker_cpus": [{"a": 1}], "ports": [{"name": ")" + huge + "\"}]}}",
        R"({"failures": [1, "x"], "enforcers": [7, {"name": "rte_flow", "place": ")" + huge +
            "\"}]}",
        R"({"machine": {"worker_cpus": [)" + many + R"(], "ports": [)" + many + "]}}"}) {
    const nlohmann::json said = nlohmann::json::parse(text);
    Ward ward;
    ward.status = said;
    const Findings all = ward.examine();
    EXPECT_LT(all.size(), 500u);
    for (const Finding& finding : all) EXPECT_LT(finding.found.size(), 4000u);
  }
}

}  // namespace
}  // namespace edgesentry::doctor
