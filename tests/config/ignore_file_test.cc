#include "config/ignore_file.h"

#include <gtest/gtest.h>

#include <random>

namespace edgesentry::config {
namespace {

std::vector<std::string> prefixes_of(std::string_view text) {
  const IgnoreFile ignored = parse_ignore(text, "test.ignore");
  EXPECT_TRUE(ignored.problems.empty()) << ignored.problems[0].to_string();
  std::vector<std::string> prefixes;
  for (const base::Prefix& prefix : ignored.prefixes) prefixes.push_back(prefix.to_string());
  return prefixes;
}

using List = std::vector<std::string>;

TEST(IgnoreFile, takes_every_spelling_that_portsentry_tripped_over) {
  EXPECT_EQ(prefixes_of("10.9.0.2\n"), List{"10.9.0.2"});
  EXPECT_EQ(prefixes_of("10.9.0.0/24\n"), List{"10.9.0.0/24"});
  EXPECT_EQ(prefixes_of("10.9.0.77/24\n"), List{"10.9.0.0/24"}) << "host bits";
  EXPECT_EQ(prefixes_of("0.0.0.0/0\n::/0\n"), (List{"0.0.0.0/0", "::/0"}));
  EXPECT_EQ(prefixes_of("10.9.0.2/255.255.255.0\n"), List{"10.9.0.0/24"}) << "dotted mask";
  EXPECT_EQ(prefixes_of("10.9.0.2 # note\n"), List{"10.9.0.2"});
  EXPECT_EQ(prefixes_of("  \t10.9.0.2\n"), List{"10.9.0.2"}) << "leading blanks";
  EXPECT_EQ(prefixes_of("10.9.0.2\r\n10.9.0.3\r\n"), (List{"10.9.0.2", "10.9.0.3"}));
  EXPECT_EQ(prefixes_of("10.9.0.23"), List{"10.9.0.23"}) << "last line without its end";
  EXPECT_EQ(prefixes_of("FD00::1\nfd00::/8\n"), (List{"fd00::1", "fd00::/8"}));
  EXPECT_EQ(prefixes_of("\xEF\xBB\xBF"
                        "10.9.0.2\n"),
            List{"10.9.0.2"})
      << "byte order mark";
  EXPECT_EQ(prefixes_of("# nothing\n\n   \n\t# else\n"), List{});
  EXPECT_EQ(prefixes_of(""), List{});
}

TEST(IgnoreFile, knows_each_dotted_mask) {
  for (int length = 0; length <= 32; ++length) {
    const auto bits = static_cast<std::uint32_t>(0xFFFFFFFF00000000ull >> length);
    const std::string line = "198.51.100.7/" + base::Ip::v4(bits).to_string();
    const base::Prefix expected(base::Ip::v4(0xC6336407), static_cast<std::uint8_t>(length));
    EXPECT_EQ(prefixes_of(line), List{expected.to_string()}) << line;
  }
}

TEST(IgnoreFile, reports_a_bad_line_with_its_number_and_keeps_the_rest) {
  const IgnoreFile ignored = parse_ignore(
      "10.9.0.1\n10.9.0.2/33\nhost.example\n\n10.9.0.3/255.0.255.0\n10.9.0.4 10.9.0.5\n"
      "fd00::/129\n10.9.0\n10.9.0.6\n",
      "test.ignore");
  ASSERT_EQ(ignored.prefixes.size(), 2u);
  EXPECT_EQ(ignored.prefixes[1].to_string(), "10.9.0.6");
  std::vector<unsigned> lines;
  for (const Problem& problem : ignored.problems) {
    lines.push_back(problem.line);
    EXPECT_EQ(problem.file, "test.ignore");
    EXPECT_FALSE(problem.fatal);
  }
  EXPECT_EQ(lines, (std::vector<unsigned>{2, 3, 5, 6, 7, 8}));
}

TEST(IgnoreFile, does_not_repeat_itself_over_a_wrong_file) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "rubbish\n";
  const IgnoreFile ignored = parse_ignore(text + "10.0.0.1\n", "test.ignore");
  ASSERT_EQ(ignored.problems.size(), 101u);
  EXPECT_NE(ignored.problems.back().fault.find("4900"), std::string::npos);
  EXPECT_EQ(ignored.prefixes.size(), 1u);
}

TEST(IgnoreFile, survives_random_bytes) {
  std::mt19937 random(7);
  constexpr std::string_view kLetters = "0123456789./:# \tabcdef\r\n\n";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const std::size_t length = random() % 200;
    const bool is_binary = random() % 2 == 0;
    while (text.size() < length)
      text += is_binary ? static_cast<char>(random()) : kLetters[random() % kLetters.size()];
    const IgnoreFile ignored = parse_ignore(text, "random");
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    EXPECT_LE(ignored.prefixes.size() + ignored.problems.size(), lines + 1);
  }
}

TEST(IgnoreFile, says_when_there_is_none) {
  const IgnoreFile ignored = load_ignore("/nonexistent/portsentry.ignore");
  ASSERT_EQ(ignored.problems.size(), 1u);
  EXPECT_EQ(ignored.problems[0].line, 0u);
  EXPECT_TRUE(ignored.problems[0].fatal);
}

}  // namespace
}  // namespace edgesentry::config
