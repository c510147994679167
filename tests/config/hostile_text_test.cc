// Whatever the bytes, loading ends with problems and not with a crash. Seeds are fixed.
#include <gtest/gtest.h>

#include <random>

#include "config/reference.h"
#include "config_text.h"

namespace edgesentry::config {
namespace {

// A problem must be fit for a terminal and a log: one line of plain text.
void expect_printable(const Loaded& loaded) {
  for (const Problem& problem : loaded.problems)
    for (const char c : problem.to_string())
      ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << problem.to_string();
}

TEST(HostileText, survives_random_bytes) {
  std::mt19937 random(20240601);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 300, ' ');
    for (char& c : text) c = static_cast<char>(random());
    expect_printable(load_text(text, "random"));
  }
}

TEST(HostileText, survives_random_grammar) {
  std::mt19937 random(20240602);
  const std::string_view pieces[] = {
      "[",       "]",      "[[",   "]]",       "{",  "}",      "=",       ",",   ".",
      "\"",      "'",      "#",    "\n",       "\n", " ",      "\"\"\"",  "'''", "\\",
      "segment", "detect", "mode", "1",        "-",  "1e999",  "true",    "inf", "1979-05-27",
      "\r",      "window", "name", "\xc3\xa4", "0x", "\"1h\"", "outside", "\t"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t i = random() % 60; i > 0; --i) text += pieces[random() % std::size(pieces)];
    expect_printable(load_text(text, "random"));
  }
}

TEST(HostileText, survives_a_whole_file_with_changed_bytes) {
  std::mt19937 random(20240603);
  Config config = load_text(good_text(), "test.toml").config;
  const std::string whole = effective_toml(config);
  ASSERT_TRUE(load_text(whole, "whole").problems.empty());
  for (int round = 0; round < 500; ++round) {
    std::string text = whole;
    for (std::size_t i = 1 + random() % 8; i > 0; --i) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = static_cast<char>(1 + random() % 255);
      } else {
        text.erase(at, 1 + random() % 20);
      }
    }
    expect_printable(load_text(text, "changed"));
  }
}

TEST(HostileText, survives_deep_nesting) {
  const std::string many(200'000, '[');
  EXPECT_FALSE(load_text("x = " + many, "deep").problems.empty());
  EXPECT_FALSE(load_text(many, "deep").problems.empty());
  std::string dotted = "a";
  for (int i = 0; i < 400'000; ++i) dotted += ".a";
  EXPECT_FALSE(load_text(dotted + " = 1\n", "deep").problems.empty());
  EXPECT_FALSE(load_text("[" + dotted + "]\n", "deep").problems.empty());
  std::string braces;
  for (int i = 0; i < 100'000; ++i) braces += "{a=";
  EXPECT_FALSE(load_text("x = " + braces, "deep").problems.empty());
}

TEST(HostileText, survives_many_keys_and_long_lines) {
  std::string keys;
  for (int i = 0; i < 20'000; ++i) keys += "key" + std::to_string(i) + " = 1\n";
  EXPECT_FALSE(load_text(keys, "many").problems.empty());
  EXPECT_FALSE(
      load_good_and("[log]\njson_file = \"/" + std::string(900'000, 'a') + "\"\n").usable());
  EXPECT_FALSE(load_good_and("[" + std::string(900'000, 'x') + "]\n").usable());
}

}  // namespace
}  // namespace edgesentry::config
