// Rules of [verify] and networks.dark: each is broken once, and each has a near miss that is taken.
#include <gtest/gtest.h>

#include "config_text.h"

namespace edgesentry::config {
namespace {

Loaded load_placed(const std::string& placement, const std::string& more) {
  return load_text(
      "placement = \"" + placement + "\"\n[[segment]]\nname = \"a\"\noutside = \"eth1\"\n" + more,
      "test.toml");
}

TEST(ValidateVerify, challenges_unless_told_otherwise) {
  const Verify verify = load_good_and("").config.verify;
  EXPECT_EQ(verify.mode, VerifyMode::challenge);
  EXPECT_EQ(verify.proof, NeededProof::automatic);
  EXPECT_EQ(verify.deception_tcp, base::PortSet{});
  EXPECT_TRUE(verify.banner.empty());
  EXPECT_FALSE(verify.tarpit);
}

TEST(ValidateVerify, takes_what_it_can_do) {
  const Loaded loaded = load_good_and(
      "[verify]\nmode = \"challenge\"\nproof = \"handshake\"\ndeception_tcp = \"23,2323\"\n"
      "banner = \"Go away.\"\nreplies_per_second = 5\nreplies_per_second_total = 5\n");
  EXPECT_TRUE(loaded.problems.empty()) << loaded.to_string();
  EXPECT_TRUE(loaded.config.verify.deception_tcp.contains(2323));
}

TEST(ValidateVerify, wants_dark_networks_to_be_protected_ones) {
  const auto dark = [](const std::string& inside, const std::string& dark) {
    return load_good_and("[networks]\ninside = [" + inside + "]\ndark = [\"" + dark + "\"]\n");
  };
  EXPECT_TRUE(dark("\"192.0.2.0/24\"", "192.0.2.128/25").problems.empty());
  EXPECT_TRUE(dark("\"192.0.2.0/24\"", "192.0.2.0/24").problems.empty());
  EXPECT_TRUE(dark("", "192.0.2.0/24").problems.empty());
  for (const char* other : {"192.0.3.0/25", "192.0.0.0/16", "2001:db8::/32"})
    EXPECT_TRUE(has(only_problem_about(dark("\"192.0.2.0/24\"", other), "networks.dark").fault,
                    "lies in no network"));
}

TEST(ValidateVerify, refuses_a_proof_that_nobody_takes) {
  for (const char* proof : {"answer", "handshake"}) {
    const Problem problem = only_problem_about(
        load_good_and("[verify]\nmode = \"off\"\nproof = \"" + std::string(proof) + "\"\n"),
        "verify.proof");
    EXPECT_TRUE(problem.fatal);
    EXPECT_EQ(problem.line, 9u) << problem.fault;
  }
  for (const char* proof : {"none", "automatic"})
    EXPECT_TRUE(load_good_and("[verify]\nmode = \"off\"\nproof = \"" + std::string(proof) + "\"\n")
                    .problems.empty());
}

TEST(ValidateVerify, warns_when_hardly_anybody_can_prove_anything) {
  const auto warned = [](const Loaded& loaded) {
    const Problem problem = only_problem_about(loaded, "verify.proof");
    return !problem.fatal && has(problem.fault, "protected server") && loaded.usable();
  };
  EXPECT_TRUE(warned(load_good_and("[verify]\nproof = \"handshake\"\n")));
  EXPECT_TRUE(warned(load_good_and("[verify]\nmode = \"passive\"\nproof = \"answer\"\n")));
  EXPECT_TRUE(warned(load_placed("tap", "[verify]\nproof = \"answer\"\n")));
  EXPECT_TRUE(warned(load_placed("tap", "[verify]\nproof = \"handshake\"\n")));
  EXPECT_TRUE(warned(load_placed("host", "[verify]\nproof = \"answer\"\n")));
  EXPECT_TRUE(load_placed("tap", "[verify]\nmode = \"challenge\"\n").problems.empty());
}

TEST(ValidateVerify, warns_when_forged_sources_would_be_dropped) {
  const auto placed = [](const std::string& placement, const std::string& more) {
    return load_text("mode = \"enforce\"\nplacement = \"" + placement +
                         "\"\n[[segment]]\nname = \"a\"\noutside = \"eth1\"\n" + more,
                     "test.toml");
  };
  for (const Loaded& loaded : {placed("host", ""), placed("host", "[verify]\nmode = \"passive\"\n"),
                               placed("host", "[enforce]\nnftables = \"off\"\n"),  // XDP is left
                               placed("tap", "[enforce]\nnftables = \"inet\"\n")}) {
    const Problem problem = only_problem_about(loaded, "verify.proof");
    EXPECT_TRUE(has(problem.fault, "forged")) << problem.fault;
    EXPECT_FALSE(problem.fatal);
    EXPECT_TRUE(loaded.usable());
  }
  for (const Loaded& loaded : {load_placed("host", ""), placed("tap", ""),
                               placed("host", "[enforce]\nnftables = \"off\"\nxdp = \"off\"\n"),
                               placed("host", "[verify]\nproof = \"none\"\n"),
                               placed("host", "[verify]\nproof = \"handshake\"\n")})
    EXPECT_EQ(loaded.to_string(), "");
}

TEST(ValidateVerify, wants_rates_that_leave_room_for_one_source) {
  const std::string text = "[verify]\nreplies_per_second = 11\nreplies_per_second_total = 10\n";
  EXPECT_TRUE(
      has(only_problem_about(load_good_and(text), "verify.replies_per_second").fault, "11"));
}

TEST(ValidateVerify, has_no_banner_for_a_tarpit) {
  EXPECT_TRUE(has(only_problem_about(load_good_and("[verify]\ntarpit = true\nbanner = \"Hello\"\n"),
                                     "verify.banner")
                      .fault,
                  "never sent"));
  EXPECT_TRUE(load_good_and("[verify]\ntarpit = true\n").problems.empty());
}

TEST(ValidateVerify, bounds_the_banner) {
  const auto banner = [](std::size_t size) {
    return load_good_and("[verify]\nbanner = \"" + std::string(size, 'x') + "\"\n");
  };
  EXPECT_TRUE(banner(180).problems.empty());
  EXPECT_TRUE(has(only_problem_about(banner(181), "verify.banner").fault, "180"));
}

}  // namespace
}  // namespace edgesentry::config
