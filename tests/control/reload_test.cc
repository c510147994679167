#include "control/reload.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "config/reload_diff.h"
#include "control/rig.h"
#include "support/scratch.h"

namespace edgesentry::control {
namespace {

using report::Action;
using std::chrono_literals::operator""s;
using test::alert_of;
using test::attacker;
using test::Rig;

// The rig's own settings as a file, so that only what a test changes is a change.
constexpr const char* kBase = R"(
mode = "enforce"
[table]
blocks = 4096
[[segment]]
name = "edge"
outside = "eth0"
inside = "eth1"
[block]
ladder = ["10m", "1h"]
per_minute_max = 10000000
[allow]
networks = ["198.51.100.0/24"]
[verify]
proof = "none"
)";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kBase;
  const auto at = text.find(from);
  EDGESENTRY_CHECK(at != std::string::npos, "tests change what is there");
  return text.replace(at, from.size(), to);
}

TEST(AllowLists, exempt_the_protected_networks_whose_name_only_forgers_bear) {
  config::Config config;
  config.networks.inside = {base::Prefix::parse("203.0.113.0/24").value(),
                            base::Prefix::parse("2001:db8:5e::/64").value()};
  const auto read = read_allow_lists(
      config, [](const config::Allow&) { return std::vector<policy::Exemption>{}; });
  const auto made = make_detection_policy(config, read.lists, 1);
  EXPECT_TRUE(made->allow.contains(base::Ip::parse("203.0.113.10").value()));
  EXPECT_TRUE(made->allow.contains(base::Ip::parse("2001:db8:5e:0:dead::1").value()));
  EXPECT_FALSE(made->allow.contains(base::Ip::parse("203.0.114.10").value()));
  EXPECT_EQ(policy::Exemptions(read.lists, 64).why(base::Ip::parse("203.0.113.10").value()),
            policy::Exempt::protected_network);
}

TEST(Reload, changes_nothing_when_the_file_is_bad_and_lists_every_problem) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  rig.toml = "mode = \"maybe\"\nblok = 1\n[block]\nladder = [\"soon\"]\n";
  const auto reply = rig.ask({{"command", "reload"}});
  EXPECT_EQ(reply["ok"], false);
  EXPECT_GE(reply["problems"].size(), 3u) << reply;
  EXPECT_EQ(rig.policy->current().generation, 1u);
  EXPECT_TRUE(rig.workers[0].drops.contains(attacker(1)));
  EXPECT_EQ(rig.numbers.is_config_good.value(), 0u);
  EXPECT_EQ(rig.numbers.reloads_failed.value(), 1u);
  EXPECT_NE(rig.sink.last(Action::appliance)->text.find("reload failed"), std::string::npos);
}

TEST(Reload, applies_what_it_can_and_names_what_waits) {
  Rig rig;
  rig.toml =
      with("\"10m\", \"1h\"", "\"5m\"") + "[workers]\ncount = 2\n[detect]\nfalse_positive = 1e-5\n";
  const auto reply = rig.ask({{"command", "reload"}});
  ASSERT_EQ(reply["ok"], true) << reply;
  EXPECT_NE(reply["changed"].dump().find("block.ladder"), std::string::npos);
  EXPECT_NE(reply["changed"].dump().find("detect.false_positive"), std::string::npos);
  EXPECT_NE(reply["needs_restart"].dump().find("workers.count"), std::string::npos);
  EXPECT_EQ(rig.policy->current().thresholds.sequential.straight_failures(), 9);
  EXPECT_EQ(rig.policy->current().generation, 2u);
  EXPECT_EQ(rig.ask({{"command", "block"}, {"address", "10.0.0.1"}})["for_seconds"], 300);
  EXPECT_EQ(rig.numbers.reloads.value(), 1u);
  EXPECT_GT(rig.numbers.reload_succeeded_at.value(), 0u);
  const auto again = rig.ask({{"command", "reload"}});
  EXPECT_NE(again["needs_restart"].dump().find("workers.count"), std::string::npos)
      << "still waiting";
  EXPECT_EQ(again["changed"].dump().find("block.ladder"), std::string::npos);
}

TEST(Reload, leaves_only_keys_that_need_a_restart) {
  config::Config running;
  const auto next = config::load_text(std::string(kBase) +
                                          "[detect]\nwindow = \"10m\"\nfalse_positive = 1e-5\n"
                                          "[networks]\ninside = [\"10.0.0.0/8\"]\n[workers]\n"
                                          "count = 3\n",
                                      "f");
  ASSERT_TRUE(next.usable()) << next.to_string();
  take_reloadable(running, next.config);
  const auto left = config::reload_diff(running, next.config);
  EXPECT_FALSE(left.empty());
  for (const auto& change : left) EXPECT_TRUE(change.needs_restart) << change.key;
}

TEST(Reload, lifts_all_blocks_when_the_mode_becomes_observe) {
  Rig rig;
  for (std::uint32_t n = 0; n < 100; ++n) ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  rig.settle();
  rig.toml = with("enforce", "observe");
  const auto reply = rig.ask({{"command", "reload"}});
  ASSERT_EQ(reply["ok"], true);
  EXPECT_EQ(reply["lifted"], 100);
  for (const auto& worker : rig.workers) EXPECT_TRUE(worker.drops.empty());
  EXPECT_FALSE(rig.policy->current().enforce);
  EXPECT_EQ(rig.numbers.blocks_active.value(), 0u);
}

TEST(Reload, starts_blocking_when_the_mode_becomes_enforce) {
  Rig rig({.mode = config::Mode::observe});
  ASSERT_TRUE(rig.send(0, alert_of(attacker(1), rig.clock.monotonic())));
  rig.settle();
  rig.toml = kBase;
  ASSERT_EQ(rig.ask({{"command", "reload"}})["ok"], true);
  EXPECT_TRUE(rig.workers[0].drops.empty()) << "only on new evidence";
  rig.clock.advance(1s);
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  EXPECT_TRUE(rig.workers[1].drops.contains(attacker(1)));
  EXPECT_EQ(rig.sink.last(Action::source_blocked)->offence, 1u);
}

TEST(Reload, keeps_live_entries_and_lifts_what_the_new_list_allows) {
  Rig rig;
  rig.ask({{"command", "allow"}, {"address", "10.0.0.9"}});
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  rig.toml = with("198.51.100.0/24", "10.0.0.1");
  ASSERT_EQ(rig.ask({{"command", "reload"}})["ok"], true);
  EXPECT_TRUE(rig.workers[0].drops.empty());
  EXPECT_TRUE(rig.policy->current().allow.contains(attacker(9)));
  EXPECT_FALSE(rig.policy->current().allow.contains(test::ip("198.51.100.7")));
  EXPECT_NE(rig.sink.last(Action::source_unblocked)->text.find("allow list"), std::string::npos);
}

TEST(Reload, is_asked_for_by_signal_too) {
  Rig rig;
  rig.toml = kBase;
  rig.loop->ask_reload();
  rig.settle();
  EXPECT_EQ(rig.numbers.reloads.value(), 1u);
}

void pass_seconds(Rig& rig, int seconds) {
  for (int i = 0; i < seconds; ++i) {
    rig.clock.advance(1s);
    rig.settle();
  }
}

TEST(AllowFile, is_read_again_once_a_change_has_settled) {
  const test::Scratch scratch;
  Rig rig({.allow_file = scratch.write("allow", "10.0.0.1\n")});
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(2))));
  rig.settle();
  EXPECT_TRUE(rig.workers[0].drops.contains(attacker(2)));
  scratch.write("allow", "10.0.0.1\n10.0.0.2 # new\nnonsense\n");
  pass_seconds(rig, 1);
  EXPECT_TRUE(rig.workers[0].drops.contains(attacker(2))) << "it may be half written";
  pass_seconds(rig, 1);
  EXPECT_FALSE(rig.workers[0].drops.contains(attacker(2)));
  EXPECT_TRUE(rig.policy->current().allow.contains(attacker(2)));
  const std::string said = rig.sink.last(Action::appliance)->text;
  EXPECT_NE(said.find("2 entries of it are in force, 1 bad line is left out"), std::string::npos)
      << said;
  EXPECT_NE(said.find("/allow:3: \"nonsense\" is not an address"), std::string::npos) << said;
  EXPECT_NE(said.find("the never-ban set stay in force"), std::string::npos) << said;
}

TEST(AllowFile, keeps_its_last_entries_when_it_is_gone) {
  const test::Scratch scratch;
  const std::string path = scratch.write("allow", "10.0.0.1\n");
  Rig rig({.allow_file = path});
  rig.settle();
  std::filesystem::remove(path);
  pass_seconds(rig, 5);
  EXPECT_TRUE(rig.policy->current().allow.contains(attacker(1)));
  EXPECT_EQ(rig.sink.count(Action::appliance), 1u) << "said once";
}

TEST(DetectionPolicy, carries_everything_the_packet_path_needs) {
  config::Config config;
  config.mode = config::Mode::enforce;
  config.detect.scan_trigger = 7;
  config.detect.window = 60s;
  config.detect.watched_tcp.insert(23);
  config.networks.inside = {*base::Prefix::parse("10.0.0.0/8")};
  config.table.ipv6_prefix = 56;
  policy::AllowLists lists;
  lists.live = {{*base::Prefix::parse("2001:db8::1"), policy::Exempt::allowed_live}};
  const auto made = make_detection_policy(config, lists, 5);
  EXPECT_TRUE(made->enforce);
  EXPECT_EQ(made->thresholds.scan_trigger, 7u);
  EXPECT_EQ(made->thresholds.window, base::seconds(60));
  EXPECT_TRUE(made->watched_tcp.contains(23));
  EXPECT_TRUE(made->inside.contains(test::ip("10.1.2.3")));
  EXPECT_TRUE(made->allow.contains(test::ip("2001:db8:0:ff::9"))) << "widened to a source";
  EXPECT_EQ(made->ipv6_prefix, 56);
  EXPECT_EQ(made->generation, 5u);
}

TEST(DetectionPolicy, asks_for_an_answer_where_the_appliance_can_challenge) {
  config::Config config;
  const auto made = [&](config::Placement placement, config::VerifyMode mode) {
    config.placement = placement;
    config.verify.mode = mode;
    return make_detection_policy(config, {}, 1)->verification;
  };
  using config::Placement;
  using config::VerifyMode;
  EXPECT_EQ(made(Placement::inline_, VerifyMode::challenge).mode, scan::Verify::challenge);
  EXPECT_EQ(made(Placement::inline_, VerifyMode::challenge).needed, scan::Proof::answer);
  EXPECT_EQ(made(Placement::inline_, VerifyMode::passive).needed, scan::Proof::none);
  for (const Placement placement : {Placement::tap, Placement::host}) {
    EXPECT_EQ(made(placement, VerifyMode::challenge).mode, scan::Verify::passive);
    EXPECT_EQ(made(placement, VerifyMode::challenge).needed, scan::Proof::none);
  }
  EXPECT_EQ(made(Placement::inline_, VerifyMode::off).mode, scan::Verify::off);
}

TEST(DetectionPolicy, carries_the_terms_of_proof) {
  config::Config config;
  config.verify.proof = config::NeededProof::handshake;
  config.verify.deception_tcp.insert(23);
  config.verify.banner = "Go away.";
  config.verify.replies_per_second = 3;
  config.verify.replies_per_second_total = 4;
  config.networks.dark = {*base::Prefix::parse("10.9.0.0/16")};
  const auto made = make_detection_policy(config, {}, 1);
  EXPECT_EQ(made->verification.needed, scan::Proof::handshake);
  EXPECT_TRUE(made->verification.deception_tcp.contains(23));
  EXPECT_EQ(made->verification.banner, "Go away.");
  EXPECT_EQ(made->verification.replies_per_second, 3u);
  EXPECT_EQ(made->verification.replies_per_second_total, 4u);
  EXPECT_TRUE(made->dark.contains(test::ip("10.9.1.1")));
  EXPECT_FALSE(made->dark.contains(test::ip("10.8.1.1")));
}

}  // namespace
}  // namespace edgesentry::control
