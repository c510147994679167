#include "report/responder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "samples.h"
#include "temp_directory.h"

namespace edgesentry::report {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Arguments parsed(std::string_view text) {
  const base::Result<Arguments> command = parse_command(text);
  EXPECT_TRUE(command.ok()) << command.error().text;
  return command.ok() ? command.value() : Arguments{};
}

TEST(Command, splits_at_blanks_and_keeps_quoted_ones) {
  EXPECT_EQ(parsed(""), Arguments{});
  EXPECT_EQ(parsed("  /bin/a  b\tc "), (Arguments{"/bin/a", "b", "c"}));
  EXPECT_EQ(parsed("/bin/a 'b  c' \"d e\"f \"\""), (Arguments{"/bin/a", "b  c", "d ef", ""}));
  EXPECT_EQ(parsed("/bin/a b\\ c 'd\\e'"), (Arguments{"/bin/a", "b c", "d\\e"}));
}

TEST(Command, refuses_an_open_quote_and_a_program_without_its_path) {
  EXPECT_FALSE(parse_command("/bin/a 'b").ok());
  const base::Result<Arguments> relative = parse_command("iptables -A");
  ASSERT_FALSE(relative.ok());
  EXPECT_NE(relative.error().text.find("absolute path"), std::string::npos);
}

TEST(Command, replaces_every_token_inside_arguments_and_never_makes_new_ones) {
  const Event event = sample_event();
  EXPECT_EQ(fill_in({"/bin/a", "$TARGET$:$PORT$/$TARGET$", "$MODE$", "$OTHER$"}, values_of(event)),
            (Arguments{"/bin/a", "10.9.0.2:11/10.9.0.2", "stealth", "$OTHER$"}));
  Event prefix = event;
  prefix.source = *base::Prefix::parse("2001:db8::/64");
  prefix.alert.reset();
  EXPECT_EQ(fill_in({"/bin/a", "$TARGET$", "$PORT$"}, values_of(prefix)),
            (Arguments{"/bin/a", "2001:db8::/64", "0"}));
}

TEST(Responder, runs_the_command_once_for_each_new_block_only) {
  const TempDirectory directory;
  Responder responder({.command = parsed("/usr/bin/mkdir " + (directory / "$TARGET$-$PORT$"))});
  EXPECT_TRUE(responder.offer(sample_event(Action::source_blocked)));
  EXPECT_TRUE(responder.offer(sample_event(Action::would_block)));
  EXPECT_TRUE(responder.offer(sample_event(Action::block_expired)));
  Event failed = sample_event(Action::source_blocked);
  failed.block_failed = true;
  EXPECT_TRUE(responder.offer(failed));
  Event known = sample_event(Action::source_blocked);
  known.already_blocked = true;
  EXPECT_TRUE(responder.offer(known));
  responder.stop(seconds(60));
  EXPECT_TRUE(std::filesystem::is_directory(directory / "10.9.0.2-11"));
  EXPECT_EQ(responder.numbers().succeeded.load(), 1u);
  EXPECT_EQ(responder.numbers().failed.load(), 0u);  // a second mkdir would have failed
}

TEST(Responder, gives_no_shell_anything_to_interpret) {
  const TempDirectory directory;
  Responder responder({.command = {"/usr/bin/touch", directory / "a b;$(touch x)"}});
  EXPECT_TRUE(responder.offer(sample_event()));
  responder.stop(seconds(60));
  EXPECT_TRUE(std::filesystem::exists(directory / "a b;$(touch x)"));
}

TEST(Responder, counts_commands_that_fail_and_programs_that_are_missing) {
  Responder failing({.command = {"/usr/bin/false"}});
  EXPECT_TRUE(failing.offer(sample_event()));
  failing.stop(seconds(60));
  EXPECT_EQ(failing.numbers().failed.load(), 1u);
  EXPECT_NE(failing.last_trouble().find("/usr/bin/false"), std::string::npos);

  Responder missing({.command = {"/nonexistent/program"}});
  EXPECT_TRUE(missing.offer(sample_event()));
  missing.stop(seconds(60));
  EXPECT_EQ(missing.numbers().failed.load(), 1u);
  EXPECT_NE(missing.last_trouble().find("cannot be started"), std::string::npos);
}

TEST(Responder, kills_a_command_at_its_deadline_together_with_its_children) {
  const TempDirectory directory;
  Responder responder({.command = {"/bin/sh", "-c", "sleep 1000 & sleep 1000; touch late"},
                       .deadline = milliseconds(20)});
  EXPECT_TRUE(responder.offer(sample_event()));
  responder.stop(seconds(60));
  EXPECT_EQ(responder.numbers().timed_out.load(), 1u);
  EXPECT_EQ(responder.numbers().running.load(), 0u);
}

TEST(Responder, accounts_for_every_block_when_it_is_stopped_in_the_middle) {
  Responder responder({.command = {"/bin/sleep", "1000"}, .concurrent_max = 2, .queue_max = 3});
  int taken = 0;
  for (int i = 0; i < 20; ++i) taken += responder.offer(sample_event()) ? 1 : 0;
  EXPECT_GE(taken, 3);
  EXPECT_LE(taken, 5);
  responder.stop(milliseconds(0));
  const ResponderNumbers& numbers = responder.numbers();
  EXPECT_EQ(numbers.succeeded + numbers.failed + numbers.timed_out + numbers.refused, 20u);
  EXPECT_EQ(numbers.queued.load(), 0u);
  EXPECT_EQ(numbers.running.load(), 0u);
}

TEST(Responder, works_off_more_blocks_than_it_runs_at_once) {
  Responder responder({.command = {"/usr/bin/true"}, .concurrent_max = 2});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(responder.offer(sample_event()));
  responder.stop(seconds(60));
  EXPECT_EQ(responder.numbers().succeeded.load(), 50u);
}

TEST(Responder, does_nothing_without_a_command) {
  Responder responder({.command = {}});
  EXPECT_TRUE(responder.offer(sample_event()));
  responder.stop(seconds(60));
  EXPECT_EQ(responder.numbers().succeeded.load(), 0u);
}

}  // namespace
}  // namespace edgesentry::report
