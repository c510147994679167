// What root gives to another user, and what a hostile owner of folders cannot make it give.
#include "guard/places.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <tuple>
#include <vector>

#include "support/scratch.h"

namespace edgesentry::guard {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534, kOther = 65533;
Account nobody() {
  return {.user = kNobody, .group = kNobody, .groups = {}, .name = "nobody"};
}

uid_t owner(const fs::path& path) {
  struct stat about {};
  EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
  return about.st_uid;
}

class Places : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
    fs::permissions(scratch_.path(), fs::perms(0755));
  }
  [[nodiscard]] fs::path root() const { return scratch_.path(); }
  fs::path folder(const std::string& name, uid_t its = 0, unsigned mode = 0755) {
    const fs::path path = root() / name;
    fs::create_directories(path);
    EXPECT_EQ(::chown(path.c_str(), its, its), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  fs::path file(const std::string& name) {
    std::ofstream(root() / name) << "x";
    return root() / name;
  }
  static void hand_over_all(std::initializer_list<Needed> places) {
    hand_over(nobody(), std::vector<Needed>(places));
  }

 private:
  test::Scratch scratch_;
};

TEST_F(Places, out_of_reach_are_told_with_user_file_and_remedy) {
  const fs::path closed = folder("closed", 0, 0700);
  const std::string path = file("closed/edgesentry.toml");
  const std::vector<Needed> needed = {{"the configuration", path, Use::read}};
  const auto faults = out_of_reach(nobody(), needed);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].text.find("after the drop to user nobody, " + path), std::string::npos);
  EXPECT_NE(faults[0].text.find("chmod g+x " + closed.string()), std::string::npos)
      << faults[0].text;
  EXPECT_FALSE(faults[0].is_written);
  EXPECT_EQ(::geteuid(), 0u);
}

TEST_F(Places, that_are_written_are_told_apart_with_a_remedy_that_helps) {
  const fs::path ours = folder("edgesentry", kNobody), shut = folder("shut", kNobody, 0500);
  const fs::path its = file("edgesentry/its.db"), others = file("edgesentry/others.db");
  ASSERT_EQ(::chown(its.c_str(), kNobody, kNobody), 0);
  fs::permissions(its, fs::perms(0444));
  const auto faults =
      out_of_reach(nobody(), std::vector<Needed>{{"state.file", its, Use::write},
                                                 {"log.json_file", others, Use::write},
                                                 {"payload.cache", shut, Use::folder},
                                                 {"control.socket", shut / "socket", Use::remove},
                                                 {"state.file", ours / "new.db", Use::write}});
  ASSERT_EQ(faults.size(), 4u);
  const std::vector<std::string> remedies = {
      "chmod u+rw " + its.string() + "*", "chown 65534 " + others.string(),
      "chmod u+rwx " + shut.string(), "chmod u+rwx " + shut.string()};
  for (std::size_t i = 0; i < faults.size(); ++i) {
    EXPECT_TRUE(faults[i].text.ends_with(remedies[i])) << faults[i].text;
    EXPECT_EQ(faults[i].is_written, i < 3) << faults[i].text;
  }
}

TEST_F(Places, that_are_links_are_not_to_be_given_away) {
  const fs::path ours = folder("edgesentry", kNobody), victim = file("victim");
  fs::permissions(victim, fs::perms(0600));
  fs::create_symlink(victim, ours / "state.db");
  const auto faults =
      out_of_reach(nobody(), std::vector<Needed>{{"state.file", ours / "state.db", Use::write}});
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].text.find("chown"), std::string::npos) << faults[0].text;
  EXPECT_NE(faults[0].text.find("which is a link"), std::string::npos) << faults[0].text;
}

TEST_F(Places, made_for_us_are_handed_over_and_others_are_not) {
  const fs::path ours = folder("edgesentry"), victim = file("victim");
  fs::create_symlink(victim, ours / "link");
  fs::create_hard_link(victim, ours / "second-name");
  file("edgesentry/state.db");
  hand_over_all({{"state.file", ours / "state.db", Use::write},
                 {"payload.cache", root() / "made", Use::folder}});
  EXPECT_EQ(owner(ours), kNobody);
  EXPECT_EQ(owner(ours / "state.db"), kNobody);
  EXPECT_EQ(owner(root() / "made"), kNobody);
  EXPECT_EQ(owner(victim), 0u);
  EXPECT_EQ(owner(ours / "link"), 0u);
  EXPECT_EQ(owner(root()), 0u);
}

TEST_F(Places, that_would_be_handed_over_are_within_reach_and_stay_as_they_are) {
  const fs::path ours = folder("edgesentry", 0, 0700), other = folder("other");
  const fs::path stored = file("edgesentry/state.db"), named = file("other/events.json");
  fs::permissions(stored, fs::perms(0600));
  const std::vector<Needed> needed = {{"state.file", stored, Use::write},
                                      {"log.portsentry_file", ours / "new.log", Use::write},
                                      {"control.socket", ours / "control.sock", Use::remove},
                                      {"payload.cache", root() / "to-be-made", Use::folder},
                                      {"log.json_file", named, Use::write}};
  EXPECT_EQ(out_of_reach(nobody(), needed).size(), 4u);
  const Gifts gifts = would_hand_over(nobody(), needed);
  const auto faults = out_of_reach(nobody(), needed, gifts);
  ASSERT_EQ(faults.size(), 1u) << "a folder of another name is not given";
  EXPECT_TRUE(faults[0].text.ends_with("chown 65534 " + other.string())) << faults[0].text;
  EXPECT_EQ(owner(ours), 0u);
  EXPECT_EQ(owner(stored), 0u);
  EXPECT_FALSE(fs::exists(root() / "to-be-made"));

  hand_over(nobody(), needed);
  EXPECT_EQ(out_of_reach(nobody(), needed).size(), 1u) << "as it was foretold";
}

TEST_F(Places, that_would_not_be_handed_over_are_told_before_too) {
  const fs::path ours = folder("edgesentry", 0, 0700), victim = file("victim");
  fs::create_hard_link(victim, ours / "state.db");
  const std::vector<Needed> needed = {{"state.file", ours / "state.db", Use::write},
                                      {"log.json_file", ours / "events.json", Use::write}};
  const auto faults = out_of_reach(nobody(), needed, would_hand_over(nobody(), needed));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_TRUE(faults[0].text.starts_with("state.file: ")) << faults[0].text;
}

TEST_F(Places, that_are_a_link_or_a_second_name_themselves_stay_as_they_are) {
  const fs::path logs = folder("logs"), victim = file("victim");
  fs::create_symlink(victim, logs / "events.json");
  fs::create_hard_link(victim, logs / "portsentry.log");
  hand_over_all({{"log.json_file", logs / "events.json", Use::write},
                 {"log.portsentry_file", logs / "portsentry.log", Use::write}});
  EXPECT_EQ(owner(victim), 0u);
  EXPECT_EQ(owner(logs), 0u);
}

TEST_F(Places, behind_a_link_that_its_user_has_set_stay_as_they_are) {
  // What a taken-over daemon does in its own folder before the next start.
  const fs::path ours = folder("edgesentry", kNobody), system = folder("system");
  const fs::path victim = file("system/state.db");
  fs::create_symlink(system, ours / "sub");
  hand_over_all({{"state.file", ours / "sub/state.db", Use::write},
                 {"payload.cache", ours / "sub/edgesentry", Use::folder}});
  EXPECT_EQ(owner(victim), 0u);
  EXPECT_EQ(owner(system), 0u);
  EXPECT_FALSE(fs::exists(system / "edgesentry"));
}

TEST_F(Places, behind_a_link_of_roots_are_handed_over) {
  const fs::path disk = folder("disk/edgesentry");
  file("disk/edgesentry/state.db");
  fs::create_symlink("disk", root() / "lib");
  hand_over_all({{"state.file", root() / "lib/edgesentry/state.db", Use::write}});
  EXPECT_EQ(owner(disk), kNobody);
  EXPECT_EQ(owner(disk / "state.db"), kNobody);
}

TEST_F(Places, where_others_can_put_files_stay_as_they_are) {
  // Root's file may have been moved there by whoever owns the folder, or can write it.
  for (const auto& [name, its, mode] : std::vector<std::tuple<std::string, uid_t, unsigned>>{
           {"a/edgesentry", kOther, 0755}, {"b/edgesentry", 0, 01777}, {"c/edgesentry", 0, 0775}}) {
    const fs::path open = folder(name, its, mode), victim = file(name + "/state.db");
    hand_over_all({{"state.file", victim, Use::write}});
    EXPECT_EQ(owner(victim), 0u) << name;
    EXPECT_EQ(owner(open), its) << name;
  }
}

TEST_F(Places, that_lead_to_the_configuration_are_never_handed_over) {
  const fs::path etc = folder("etc/edgesentry"), conf = folder("etc/edgesentry/conf");
  const fs::path config = file("etc/edgesentry/conf/edgesentry.toml");
  const fs::path program = file("etc/edgesentry/command"), state = file("etc/edgesentry/state.db");
  const Needed written{"state.file", state, Use::write};
  hand_over_all({written, {"the configuration", config, Use::read}});
  EXPECT_EQ(owner(etc), 0u);
  EXPECT_EQ(owner(config), 0u);
  EXPECT_EQ(owner(program), 0u);
  const std::vector<Needed> needed = {written, {"log.block_command", program, Use::keep}};
  hand_over(nobody(), needed);
  EXPECT_EQ(owner(etc), 0u);
  const auto faults = out_of_reach(nobody(), needed);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].text.find("name a folder of its own"), std::string::npos) << faults[0].text;
}

TEST_F(Places, that_everybody_can_write_are_told) {
  const std::string open = folder("tmp", 0, 01777) / "state.db";
  const std::string closed = folder("lib") / "events.json";
  const auto said = open_to_all(
      std::vector<Needed>{{"state.file", open, Use::write}, {"log.json_file", closed, Use::write}});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].rfind("state.file: everybody can write to ", 0), 0u) << said[0];
}

}  // namespace
}  // namespace edgesentry::guard
