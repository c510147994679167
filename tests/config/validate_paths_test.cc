// Files that would be each other's end, and users, capabilities and devices that cannot be.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config_text.h"
#include "support/scratch.h"

namespace edgesentry::config {
namespace {

namespace fs = std::filesystem;

class ValidatePaths : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"allow", "patterns", "key", "cert", "token"}) write(name);
    fs::create_directory(at("deep"));
  }
  std::string at(const std::string& name) const { return scratch_.path() + "/" + name; }
  void write(const std::string& name) const { std::ofstream(at(name)) << "something\n"; }

  // The only fault that is fatal and said about `key`.
  std::string fault(const std::string& key, const std::string& more) const {
    const std::string path = at("edgesentry.toml");
    std::ofstream(path) << good_text() << more;
    const Loaded loaded = load_file(path);
    std::string found;
    for (const Problem& problem : loaded.problems)
      if (problem.key == key && problem.fatal) {
        EXPECT_GT(problem.line, 0u) << problem.to_string();
        EXPECT_FALSE(problem.remedy.empty());
        found += (found.empty() ? "" : "; ") + problem.fault;
      }
    return found;
  }
  std::string state_fault(const std::string& file, const std::string& more) const {
    return fault("state.file", "[state]\nfile = \"" + file + "\"\n" + more);
  }

  test::Scratch scratch_;
};

TEST_F(ValidatePaths, keep_the_database_off_all_that_is_read) {
  EXPECT_EQ(state_fault(at("edgesentry.toml"), ""), "is the same file as the configuration itself");
  EXPECT_EQ(state_fault(at("allow"), "[allow]\nfile = \"allow\"\n"),
            "is the same file as allow.file");
  EXPECT_EQ(state_fault(at("patterns"), "[payload]\npatterns = \"patterns\"\n"),
            "is the same file as payload.patterns");
  const std::string tls =
      "[api]\ntls_certificate = \"" + at("cert") + "\"\ntls_key = \"" + at("key") + "\"\n";
  EXPECT_EQ(state_fault(at("key"), tls), "is the same file as api.tls_key");
  EXPECT_EQ(state_fault(at("cert"), tls), "is the same file as api.tls_certificate");
  EXPECT_EQ(state_fault(at("state.db"), tls), "");
}

TEST_F(ValidatePaths, keep_the_database_off_all_that_is_written) {
  EXPECT_EQ(state_fault(at("token"), "[api]\ntoken_file = \"" + at("token") + "\"\n"),
            "is the same file as api.token_file");
  EXPECT_EQ(state_fault(at("new"), "[api]\nread_token_file = \"" + at("new") + "\"\n"),
            "is the same file as api.read_token_file");
  EXPECT_EQ(state_fault(at("a.json"), "[log]\njson_file = \"" + at("a.json") + "\"\n"),
            "is the same file as log.json_file");
  EXPECT_EQ(state_fault(at("sock"), "[control]\nsocket = \"" + at("sock") + "\"\n"),
            "is the same file as control.socket");
}

TEST_F(ValidatePaths, warn_where_no_database_can_be) {
  const Problem found =
      only_problem_about(load_good_and("[state]\nfile = \"" + at("deep") + "\"\n"), "state.file");
  EXPECT_TRUE(has(found.fault, at("deep") + " is a folder")) << found.fault;
  EXPECT_FALSE(found.fatal);
}

TEST_F(ValidatePaths, see_through_links_and_other_spellings) {
  fs::create_symlink(at("token"), at("link"));
  fs::create_hard_link(at("token"), at("second"));
  fs::create_symlink(at("deep"), at("other"));
  const std::string api = "[api]\ntoken_file = \"" + at("token") + "\"\n";
  for (const char* name : {"link", "second", "deep/../token", "./token"})
    EXPECT_EQ(state_fault(at(name), api), "is the same file as api.token_file") << name;
  EXPECT_EQ(state_fault(at("other/new"), "[log]\njson_file = \"" + at("deep/new") + "\"\n"),
            "is the same file as log.json_file");
}

TEST_F(ValidatePaths, know_what_lies_beside_the_database) {
  for (const char* beside : {"s.db-wal", "s.db-shm", "s-events.db", "s-events.db-wal"})
    EXPECT_EQ(state_fault(at("s.db"), "[log]\njson_file = \"" + at(beside) + "\"\n"),
              "needs " + at(beside) + " beside it, which is the same file as log.json_file");
  for (const char* aside : {"s.db.damaged", "s.db.damaged.2", "s-events.db.damaged"})
    EXPECT_TRUE(
        has(state_fault(at("s.db"), "[log]\njson_file = \"" + at(aside) + "\"\n"), "moved aside"))
        << aside;
  EXPECT_EQ(state_fault(at("s.db"), "[log]\njson_file = \"" + at("s.db.json") + "\"\n"), "");
  EXPECT_EQ(
      state_fault(at("s.db"), "events_mb = 0\n[log]\njson_file = \"" + at("s-events.db") + "\"\n"),
      "");
}

TEST_F(ValidatePaths, keep_logs_tokens_and_captures_apart) {
  EXPECT_EQ(fault("log.json_file", "[log]\njson_file = \"" + at("edgesentry.toml") + "\"\n"),
            "is the same file as the configuration itself");
  EXPECT_EQ(
      fault("api.token_file", "[api]\ntoken_file = \"" + at("key") + "\"\ntls_key = \"" +
                                  at("key") + "\"\ntls_certificate = \"" + at("cert") + "\"\n"),
      "is the same file as api.tls_key");
  EXPECT_EQ(fault("log.json_file", "[[segment]]\nname = \"b\"\noutside = \"net_pcap0,tx_pcap=" +
                                       at("out") + "\"\ninside = \"net_pcap1,rx_pcap=" + at("in") +
                                       "\"\n[log]\njson_file = \"" + at("out") + "\"\n"),
            "is the same file as segment[1].outside");
  // Nothing is lost there, and a pair in one file is what some tools make.
  EXPECT_EQ(
      fault("log.json_file", "[log]\njson_file = \"/dev/null\"\nportsentry_file = \"/dev/null\"\n"),
      "");
  EXPECT_EQ(fault("api.tls_key", "[api]\ntls_key = \"" + at("key") + "\"\ntls_certificate = \"" +
                                     at("key") + "\"\n"),
            "");
}

TEST_F(ValidatePaths, blame_the_key_that_the_file_gives) {
  EXPECT_EQ(fault("log.json_file", "[log]\njson_file = \"/var/lib/edgesentry/state.db\"\n"),
            "is the same file as state.file");
  EXPECT_EQ(
      fault("log.json_file", "[log]\njson_file = \"/var/lib/edgesentry/state.db.damaged.3\"\n"),
      "is where state.file would be moved aside when it is damaged");
}

TEST(ValidatePort, has_one_server) {
  const auto is_refused = [](const std::string& api, const std::string& metrics) {
    const Loaded loaded = load_good_and("[metrics]\nlisten = \"" + metrics +
                                        "\"\n[api]\ntls_certificate = \"/c\"\ntls_key = \"/k\"\n"
                                        "listen = \"" +
                                        api + "\"\n");
    return !loaded.usable() && has(only_problem_about(loaded, "api.listen").fault, "one server");
  };
  EXPECT_TRUE(is_refused("127.0.0.1:9465", "127.0.0.1:9465"));
  EXPECT_TRUE(is_refused("0.0.0.0:9465", "127.0.0.1:9465"));
  EXPECT_TRUE(is_refused("127.0.0.1:9465", "0.0.0.0:9465"));
  EXPECT_FALSE(is_refused("127.0.0.2:9465", "127.0.0.1:9465"));
  EXPECT_FALSE(is_refused("[::1]:9465", "0.0.0.0:9465"));
  EXPECT_FALSE(is_refused("127.0.0.1:9466", "127.0.0.1:9465"));
  EXPECT_FALSE(is_refused("127.0.0.1:9465", ""));
}

TEST(ValidatePrivilege, wants_users_groups_and_capabilities_that_there_are) {
  const auto about = [](const std::string& key, const std::string& value) {
    return load_good_and("[privilege]\n" + key + " = " + value + "\n");
  };
  for (const char* key : {"user", "group", "command_user"}) {
    const std::string full = std::string("privilege.") + key;
    EXPECT_TRUE(has(only_problem_about(about(key, "\"no-such-one\""), full).fault, "has no "));
    const Problem number = only_problem_about(about(key, "\"4294967295\""), full);
    EXPECT_TRUE(has(number.fault, "4294967295 is the number of no ")) << number.fault;
    EXPECT_FALSE(has(number.remedy, "add")) << number.remedy;
    const Problem odd = only_problem_about(about(key, "\"a; b\""), full);
    EXPECT_FALSE(has(odd.remedy, "a; b")) << odd.remedy;
    for (const char* right : {"\"root\"", "\"0\"", "\"4294967294\""})
      EXPECT_TRUE(about(key, right).problems.empty()) << key << right;
  }
  EXPECT_TRUE(has(only_problem_about(about("capabilities", "[\"CAP_SYS_ADMIN\", \"CAP_BOGUS\"]"),
                                     "privilege.capabilities")
                      .fault,
                  "\"CAP_BOGUS\""));
  EXPECT_TRUE(about("capabilities", "[\"net_raw\", \"CAP_CHECKPOINT_RESTORE\"]").problems.empty());
}

TEST(ValidateDevices, wants_names_that_an_interface_can_have) {
  for (const char* name : {"../x", "a b", "net_null0", "0000:03:00.0", "", "a123456789012345"}) {
    const std::string list = std::string("[\"") + name + "\"]\n";
    EXPECT_FALSE(
        load_good_and("[enforce]\nnftables = \"netdev\"\nnftables_devices = " + list).usable())
        << name;
    EXPECT_FALSE(load_good_and("[enforce]\nxdp = \"on\"\nxdp_devices = " + list).usable()) << name;
  }
  EXPECT_TRUE(load_good_and("[enforce]\nnftables = \"netdev\"\nnftables_devices = [\"eth0.7\"]\n")
                  .usable());
  EXPECT_TRUE(has(only_problem_about(load_text("placement = \"tap\"\n[[segment]]\nname = \"a\"\n"
                                               "outside = \"net_af_packet0,iface=../x\"\n",
                                               "t"),
                                     "segment[0].outside")
                      .fault,
                  "iface=../x"));
}

}  // namespace
}  // namespace edgesentry::config
