// A reload and its patterns: read in the course of rounds, then all of it is taken or none.
#include "control/reloading.h"

#include <gtest/gtest.h>

#include "control/rig.h"

namespace edgesentry::control {
namespace {

using report::Action;
using test::Rig;

// Reads until the test says that it is done.
class SlowKeeper final : public PatternKeeper {
 public:
  void read(const config::Payload& payload) override {
    reading = payload.patterns;
    ++reads;
  }
  std::optional<PatternsRead> outcome() override { return std::exchange(done, std::nullopt); }
  void adopt() override { in_force = reading; }
  void collect() override { ++collected; }
  [[nodiscard]] PatternsView view() const override { return {true, in_force, 7, trouble}; }

  std::optional<PatternsRead> done;
  std::string reading, in_force = "/old.toml", trouble;
  int reads = 0, collected = 0;
};

std::string file_with(const std::string& patterns) {
  return "mode = \"enforce\"\n[table]\nblocks = 4096\n[[segment]]\nname = \"edge\"\n"
         "outside = \"eth0\"\ninside = \"eth1\"\n[verify]\nproof = \"none\"\n"
         "[payload]\npatterns = \"" +
         patterns + "\"\n[block]\nladder = [\"5m\"]\n";
}

class Patterns : public testing::Test {
 protected:
  std::future<nlohmann::json> ask() {
    auto reply = rig.mailbox.post({{"command", "reload"}});
    for (int round = 0; round < 3; ++round) rig.loop->run_round();
    return reply;
  }
  static bool is_there(const std::future<nlohmann::json>& reply) {
    return reply.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  nlohmann::json ended(std::future<nlohmann::json>& reply, PatternsRead read) {
    keeper.done = std::move(read);
    rig.loop->run_round();
    EXPECT_TRUE(is_there(reply));
    return is_there(reply) ? reply.get() : nlohmann::json{};
  }

  SlowKeeper keeper;
  Rig rig{{.patterns = &keeper}};
};

TEST_F(Patterns, are_taken_with_the_rest_once_they_are_read) {
  rig.toml = file_with("/new.toml");
  auto reply = ask();
  EXPECT_FALSE(is_there(reply));
  EXPECT_EQ(keeper.reading, "/new.toml");
  EXPECT_EQ(rig.policy->current().generation, 1u) << "nothing is taken by halves";
  const auto said = ended(reply, {.is_new = true});
  EXPECT_EQ(said["ok"], true) << said;
  EXPECT_EQ(keeper.in_force, "/new.toml");
  EXPECT_EQ(said["patterns"]["count"], 7);
  EXPECT_NE(said["changed"].dump().find("payload.patterns"), std::string::npos) << said;
  EXPECT_EQ(said["needs_restart"].dump().find("payload.patterns"), std::string::npos) << said;
  EXPECT_EQ(rig.policy->current().generation, 2u);
  EXPECT_NE(rig.sink.last(Action::appliance)->text.find("7 patterns of /new.toml"),
            std::string::npos);
  EXPECT_GT(keeper.collected, 0);
}

TEST_F(Patterns, that_are_broken_leave_everything_as_it_was) {
  rig.toml = file_with("/broken.toml");
  auto reply = ask();
  const auto said =
      ended(reply, {.problems = {"/broken.toml:3: \"one\": expression: x. Mend it", "second"}});
  EXPECT_EQ(said["ok"], false);
  EXPECT_EQ(said["problems"].size(), 2u);
  EXPECT_NE(said["problems"][0].get<std::string>().find("/broken.toml:3"), std::string::npos);
  EXPECT_EQ(keeper.in_force, "/old.toml");
  EXPECT_EQ(rig.policy->current().generation, 1u);
  EXPECT_EQ(rig.ask({{"command", "block"}, {"address", "10.0.0.1"}})["for_seconds"], 600)
      << "block.ladder of the file was not taken";
  EXPECT_EQ(rig.numbers.reloads_failed.value(), 1u);
  EXPECT_EQ(rig.numbers.commands_failed.value(), 1u);
  EXPECT_EQ(rig.numbers.is_config_good.value(), 0u);
  rig.toml = file_with("/old.toml");
  auto again = ask();
  EXPECT_EQ(ended(again, {})["ok"], true);
  EXPECT_EQ(rig.numbers.is_config_good.value(), 1u);
}

TEST_F(Patterns, that_are_the_same_are_not_taken_again) {
  rig.toml = file_with("/same.toml");
  auto reply = ask();
  const auto said = ended(reply, {.notices = {"a word on the cache"}});
  EXPECT_EQ(keeper.in_force, "/old.toml");
  EXPECT_FALSE(said.contains("patterns"));
  EXPECT_NE(said["warnings"].dump().find("a word on the cache"), std::string::npos);
}

TEST_F(Patterns, leave_other_commands_answered_while_they_are_read) {
  rig.toml = file_with("/new.toml");
  auto reply = ask();
  EXPECT_EQ(rig.ask({{"command", "version"}})["version"], "1.2.3");
  EXPECT_FALSE(is_there(reply));
  EXPECT_EQ(ended(reply, {})["ok"], true);
}

TEST_F(Patterns, are_read_again_for_a_request_that_came_meanwhile) {
  rig.toml = file_with("/first.toml");
  auto first = ask();
  rig.toml = file_with("/second.toml");
  auto second = ask();
  rig.loop->ask_reload();
  EXPECT_EQ(ended(first, {.is_new = true})["ok"], true);
  EXPECT_FALSE(is_there(second));
  EXPECT_EQ(keeper.in_force, "/first.toml");
  rig.loop->run_round();
  EXPECT_EQ(keeper.reading, "/second.toml");
  EXPECT_EQ(ended(second, {.is_new = true})["ok"], true);
  EXPECT_EQ(keeper.in_force, "/second.toml");
  rig.settle();
  EXPECT_EQ(keeper.reads, 2) << "the signal is answered by the second one";
}

TEST_F(Patterns, are_not_read_for_a_file_with_faults) {
  rig.toml = "mode = \"maybe\"\n" + file_with("/new.toml");
  auto reply = ask();
  ASSERT_TRUE(is_there(reply));
  EXPECT_EQ(reply.get()["ok"], false);
  EXPECT_EQ(keeper.reads, 0);
}

TEST_F(Patterns, are_not_read_where_payloads_are_left_alone) {
  rig.toml = file_with("/new.toml") + "[metrics]\n";
  rig.toml.replace(rig.toml.find("[payload]\n"), 10, "[payload]\nenabled = false\n");
  auto reply = ask();
  ASSERT_TRUE(is_there(reply));
  EXPECT_NE(reply.get()["needs_restart"].dump().find("payload.enabled"), std::string::npos);
  EXPECT_EQ(keeper.reads, 0);
}

TEST_F(Patterns, say_in_the_status_what_troubles_them) {
  EXPECT_EQ(rig.ask({{"command", "status"}})["payload"]["state"], "working");
  keeper.trouble = "/cache: cannot be made";
  const auto payload = rig.ask({{"command", "status"}})["payload"];
  EXPECT_EQ(payload["state"], "degraded");
  EXPECT_EQ(payload["trouble"], "/cache: cannot be made");
  EXPECT_EQ(payload["patterns"], 7);
}

TEST(PatternTrouble, is_said_at_the_start) {
  SlowKeeper keeper;
  keeper.trouble = "/cache: cannot be made";
  Rig rig({.patterns = &keeper});
  rig.settle();
  EXPECT_EQ(rig.sink.last(Action::appliance)->text, "/cache: cannot be made");
}

}  // namespace
}  // namespace edgesentry::control
