// Dialogues of SSH by the lengths that OpenSSH and its clients put on the wire.
#include "payload/ssh_dialogue.h"

#include <gtest/gtest.h>

#include <vector>

namespace edgesentry::payload {
namespace {

struct Told {
  int failed = 0, succeeded = 0;
  friend bool operator==(const Told&, const Told&) = default;
};

void count(SshEvent event, Told& told) {
  told.failed += event == SshEvent::failed;
  told.succeeded += event == SshEvent::succeeded;
}

// Positive: sent by the client, negative: by the server; after the key exchange.
Told told_of(const std::vector<int>& lengths, bool ends = true) {
  const std::vector<std::uint8_t> new_keys = {0, 0, 0, 12, 10, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  SshDialogue dialogue;
  Told told;
  dialogue.client({}, 904);
  count(dialogue.server(1088), told);
  dialogue.client(new_keys, 16);
  for (const int length : lengths) {
    if (length > 0)
      dialogue.client({}, static_cast<std::uint16_t>(length));
    else
      count(dialogue.server(static_cast<std::uint16_t>(-length)), told);
  }
  if (ends) told.failed += dialogue.end();
  EXPECT_TRUE(!ends || dialogue.end() == 0) << "the other side ends it as well";
  return told;
}

TEST(SshDialogue, one_wrong_password_is_one_failure) {
  EXPECT_EQ(told_of({44, -44, 68, -52, 84, -52}), (Told{1, 0}));
}

TEST(SshDialogue, right_password_is_a_success) {
  EXPECT_EQ(told_of({44, -44, 68, -52, 148, -28, 112, -116, -44}), (Told{0, 1}));
  EXPECT_EQ(told_of({52, -52, 68, -68, 148, -36, 112, -116}), (Told{0, 1})) << "with another MAC";
}

TEST(SshDialogue, key_that_is_taken_is_no_failure) {
  EXPECT_EQ(told_of({44, -44, 68, -52, 140, -100, 308, -28, 112, -272, -200, 120, -72, -36}),
            (Told{0, 1}));
}

TEST(SshDialogue, connection_full_of_guesses_counts_for_three_when_it_is_over) {
  const std::vector<int> six = {44,  -44, 68,  -52, 84,  -52, 76,  -52, 84,
                                -52, 84,  -52, 84,  -52, 84,  -52, 84,  -76};
  EXPECT_EQ(told_of(six), (Told{3, 0}));
  EXPECT_EQ(told_of(six, false), (Told{0, 0})) << "it may still succeed";
}

TEST(SshDialogue, keys_that_are_all_refused_are_one_failure) {
  EXPECT_EQ(told_of({44, -44, 68, -52, 140, -52, 140, -52, 220, -52, 140, -52, 140, -52, 140, -52,
                     140, -76}),
            (Told{1, 0}));
  EXPECT_EQ(told_of({44, -44, 68, -52, 148, -52, 148, -52, 148, -52}), (Told{1, 0}))
      << "and so are three passwords of OpenSSH's client";
}

TEST(SshDialogue, keys_that_are_refused_before_the_right_password_are_no_failures) {
  for (int keys = 1; keys <= 5; ++keys) {
    std::vector<int> said = {44, -44, 68, -52};
    for (int key = 0; key < keys; ++key) said.insert(said.end(), {140, -52});
    said.insert(said.end(), {148, -28, 112, -272});
    EXPECT_EQ(told_of(said), (Told{0, 1})) << keys;
  }
}

TEST(SshDialogue, server_that_lets_guess_on_and_on_tells_of_it_before_the_end) {
  std::vector<int> said = {44, -44, 68, -52};
  for (int guess = 0; guess < 11; ++guess) said.insert(said.end(), {84, -52});
  EXPECT_EQ(told_of(said, false), (Told{0, 0}));
  said.insert(said.end(), {84, -52});
  EXPECT_EQ(told_of(said, false), (Told{1, 0}));
  EXPECT_EQ(told_of(said), (Told{1, 0})) << "and not again at the end";
}

TEST(SshDialogue, session_whose_beginning_was_not_understood_fails_nothing) {
  std::vector<int> said = {44, -44, 68, -52, 84, -52};
  for (int key = 0; key < 40; ++key) said.insert(said.end(), {36, -36});
  EXPECT_EQ(told_of(said), (Told{0, 0}));
}

TEST(SshDialogue, question_as_long_as_a_refusal_is_no_second_failure) {
  EXPECT_EQ(told_of({52, -52, 68, -68, 84, -68, 68, -68}), (Told{1, 0}));
}

TEST(SshDialogue, banner_before_the_first_refusal_hides_the_others_not) {
  EXPECT_EQ(told_of({44, -44, 68, -300, 84, -52, 84, -52}), (Told{1, 0}));
}

TEST(SshDialogue, guess_without_asking_for_methods_is_a_failure_when_the_client_leaves) {
  EXPECT_EQ(told_of({44, -44, 84, -52}), (Told{1, 0}));
  EXPECT_EQ(told_of({44, -44, 84, -52}, false), (Told{0, 0})) << "it may go on";
}

TEST(SshDialogue, visitors_who_never_log_in_fail_nothing) {
  EXPECT_EQ(told_of({}), (Told{0, 0}));
  EXPECT_EQ(told_of({44, -44}), (Told{0, 0}));
}

}  // namespace
}  // namespace edgesentry::payload
