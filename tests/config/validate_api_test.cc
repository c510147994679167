#include <gtest/gtest.h>

#include "config/listen_address.h"
#include "config/load.h"
#include "config_text.h"

namespace edgesentry::config {
namespace {

std::string fault_of(const std::string& api, const std::string& key) {
  const Loaded loaded = load_good_and("[api]\n" + api + "\n");
  for (const Problem& problem : loaded.problems)
    if (problem.key == key && problem.fatal) return problem.fault;
  return "";
}

TEST(ValidateApi, opens_no_port_unless_asked) {
  EXPECT_EQ(Config{}.api.listen, "");
  EXPECT_TRUE(load_good_and("[api]\nlisten = \"\"\n").problems.empty());
}

TEST(ValidateApi, listens_on_loopback_of_both_families_without_tls) {
  EXPECT_EQ(fault_of("listen = \"127.0.0.1:9466\"", "api.listen"), "");
  EXPECT_EQ(fault_of("listen = \"127.255.0.9:1\"", "api.listen"), "");
  EXPECT_EQ(fault_of("listen = \"[::1]:9466\"", "api.listen"), "");
  EXPECT_EQ(parse_api_listen("[2001:db8::7]:443").value().port, 443);
}

TEST(ValidateApi, listens_beyond_this_machine_only_with_tls) {
  for (const char* there : {"0.0.0.0:9466", "192.0.2.1:9466", "[::]:9466", "[2001:db8::7]:443"}) {
    const std::string listen = std::string("listen = \"") + there + "\"\n";
    EXPECT_NE(fault_of(listen, "api.listen").find("without TLS"), std::string::npos) << there;
    EXPECT_EQ(fault_of(listen + "tls_certificate = \"/c\"\ntls_key = \"/k\"", "api.listen"), "");
  }
}

TEST(ValidateApi, wants_the_certificate_and_the_key_together) {
  EXPECT_NE(fault_of("tls_certificate = \"/c\"", "api.tls_certificate"), "");
  EXPECT_NE(fault_of("tls_key = \"/k\"", "api.tls_key"), "");
}

TEST(ValidateApi, refuses_what_is_no_address_and_port) {
  for (const char* wrong : {"localhost:80", "127.0.0.1", "[::1]", "[::1]:0", "[::1]:65536",
                            "[127.0.0.1]:80", "[::1:80", "::1:80", "[]:80", ":80", "[::1]:80x"})
    EXPECT_NE(fault_of(std::string("listen = \"") + wrong + "\"", "api.listen"), "") << wrong;
}

TEST(ValidateApi, wants_two_tokens_in_two_files_with_whole_paths) {
  EXPECT_NE(fault_of("token_file = \"/t\"\nread_token_file = \"/t\"", "api.read_token_file"), "");
  EXPECT_NE(fault_of("token_file = \"t\"", "api.token_file"), "");
}

}  // namespace
}  // namespace edgesentry::config
