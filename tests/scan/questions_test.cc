#include "scan/questions.h"

#include <gtest/gtest.h>

namespace edgesentry::scan {
namespace {

Question about(std::uint16_t port, std::uint32_t at_ms = 0) {
  return {.target = 1, .at_ms = at_ms, .source_port = 40000, .target_port = port, .port = port};
}

Reactions all_of(const Questions& questions) {
  return questions.reactions([](const Question&) { return true; });
}

TEST(Questions, finds_what_a_reaction_is_about) {
  Questions questions;
  questions.ask(about(80));
  questions.ask(about(81));
  Question* found = questions.find(1, 40000, 81, false);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->port, 81);
  EXPECT_EQ(questions.find(2, 40000, 81, false), nullptr);
  EXPECT_EQ(questions.find(1, 40001, 81, false), nullptr);
  EXPECT_EQ(questions.find(1, 40000, 82, false), nullptr);
  EXPECT_EQ(questions.find(1, 40000, 81, true), nullptr) << "a challenge is no offer";
  found->has_reaction = true;
  EXPECT_EQ(questions.find(1, 40000, 81, false), found) << "known, with its reaction";
  EXPECT_EQ(all_of(questions).asked, 2);
  EXPECT_EQ(all_of(questions).given, 1);
}

TEST(Questions, knows_the_same_probe_from_another_port) {
  Questions questions;
  questions.ask(about(80));
  questions.find(1, 40000, 80, false)->has_reaction = true;
  Question again = about(80, 5);
  again.source_port = 40001;
  questions.ask(again);
  EXPECT_EQ(all_of(questions).asked, 1);
  EXPECT_EQ(all_of(questions).given, 1);
}

TEST(Questions, makes_room_after_two_seconds) {
  Questions questions;
  for (std::uint16_t port = 1; port <= Questions::kKept; ++port) questions.ask(about(port, port));
  questions.ask(about(100, 2000));
  EXPECT_EQ(questions.find(1, 40000, 100, false), nullptr) << "the oldest is 1999 ms old";
  EXPECT_NE(questions.find(1, 40000, 1, false), nullptr);
  questions.ask(about(101, 2001));
  EXPECT_NE(questions.find(1, 40000, 101, false), nullptr);
  EXPECT_EQ(questions.find(1, 40000, 1, false), nullptr);
  EXPECT_EQ(all_of(questions).asked, Questions::kKept);
}

TEST(Questions, one_conversation_may_be_about_several_protocols) {
  Questions questions;
  for (const std::uint16_t protocol : {50, 51}) {
    Question question = about(80);
    question.port = protocol;
    question.technique = Technique::ip_protocol;
    questions.ask(question);
  }
  questions.find(1, 40000, 80, false)->has_reaction = true;
  ASSERT_NE(questions.find(1, 40000, 80, false), nullptr);
  questions.find(1, 40000, 80, false)->has_reaction = true;
  EXPECT_EQ(all_of(questions).given, 2);
}

}  // namespace
}  // namespace edgesentry::scan
