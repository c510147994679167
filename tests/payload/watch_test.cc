// From packets to notes: who is the server, what a connection adds up to, and what a flood costs.
#include "payload/watch.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

#include "payload/watching.h"
#include "signature/pattern_file.h"

namespace edgesentry::payload {
namespace {

TEST_F(Watching, refused_login_is_held_against_the_client) {
  EXPECT_EQ(say(Side::server, 21, "530 Login incorrect.\r\n"), Kinds{PayloadKind::login_failed});
  EXPECT_EQ(say(Side::server, 21, "230 Welcome.\r\n", 40001), Kinds{PayloadKind::login_ok});
}

TEST_F(Watching, web_server_that_asks_for_a_password_refuses_nobody) {
  EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 Unauthorized\r\n"), Kinds{});
  EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 200 OK\r\n"), Kinds{PayloadKind::login_ok});
}

TEST_F(Watching, password_that_a_web_server_refuses_is_a_failure) {
  EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 Unauthorized\r\n"),
            Kinds{PayloadKind::login_failed});
}

TEST_F(Watching, nonce_that_is_too_old_is_no_wrong_password) {
  const std::string_view ask = "GET / HTTP/1.1\r\nAuthorization: Digest x\r\n\r\n";
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(say(Side::client, 80, ask), Kinds{});
    EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 no\r\nDigest stale=true\r\n\r\n"), Kinds{});
  }
  EXPECT_EQ(say(Side::client, 80, ask), Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 no\r\nDigest stale=false\r\n\r\n"),
            Kinds{PayloadKind::login_failed});
}

TEST_F(Watching, client_cannot_excuse_itself) {
  EXPECT_EQ(say(Side::client, 80,
                "GET / HTTP/1.1\r\nAuthorization: Digest stale=true\r\n"
                "X: HTTP/1.1 401 no\r\nstale=true\r\n\r\n"),
            Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 Unauthorized\r\n"),
            Kinds{PayloadKind::login_failed});
}

TEST_F(Watching, answer_that_is_no_refusal_settles_the_offer) {
  for (const std::string_view status : {"403 Forbidden", "404 Not Found", "500 Oops"}) {
    const std::string answer = "HTTP/1.1 " + std::string(status) + "\r\n";
    EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n"), Kinds{});
    EXPECT_EQ(say(Side::server, 80, answer), Kinds{});
    EXPECT_EQ(say(Side::client, 80, "GET /other HTTP/1.1\r\n\r\n"), Kinds{});
    EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 Unauthorized\r\n"), Kinds{}) << status;
  }
  EXPECT_EQ(say(Side::client, 80, "PUT / HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 100 Continue\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::client, 80, "the file"), Kinds{});
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 Unauthorized\r\n"),
            Kinds{PayloadKind::login_failed});
}

TEST_F(Watching, exploit_counts_when_the_server_answers_it) {
  EXPECT_EQ(say(Side::client, 8081, "GET /cgi-bin/../x HTTP/1.1\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 8081, "HTTP/1.1 404 Not Found\r\n"), Kinds{PayloadKind::exploit});
  EXPECT_EQ(say(Side::server, 8081, "more"), Kinds{});
}

TEST_F(Watching, guesser_who_names_himself_fails_with_each_answer) {
  for (std::uint16_t client = 40001; client < 40004; ++client) {
    EXPECT_EQ(say(Side::client, 8000, "User-Agent: (Hydra)", client),
              Kinds{PayloadKind::tool_named});
    EXPECT_EQ(tool_, scan::Tool::hydra);
    tool_ = scan::Tool::none;
    EXPECT_EQ(say(Side::server, 8000, "HTTP/1.1 200 OK\r\n", client),
              Kinds{PayloadKind::login_failed});
    EXPECT_EQ(tool_, scan::Tool::hydra);
  }
}

// A forger sees no answer, so he does not know which sequence number the server waits for.
TEST_F(Watching, exploit_forged_into_the_middle_of_a_connection_is_never_answered) {
  EXPECT_EQ(say(Side::client, 8081, "GET / HTTP/1.1\r\n"), Kinds{});
  const std::uint32_t true_next = next_[0];
  const std::array guesses = {true_next + 1'000'000, true_next - 400'000, true_next + (1u << 31)};
  for (const std::uint32_t guess : guesses) {
    next_[0] = guess;
    EXPECT_EQ(say(Side::client, 8081, "GET /cgi-bin/../x HTTP/1.1\r\n"), Kinds{});
    next_[0] = true_next;
    EXPECT_EQ(say(Side::server, 8081, "HTTP/1.1 200 OK\r\n"), Kinds{});
    EXPECT_EQ(say(Side::server, 8081, "the page the true client asked for"), Kinds{});
  }
}

TEST_F(Watching, password_forged_into_a_connection_is_never_refused) {
  EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\n"), Kinds{});
  next_[0] += 1u << 30;
  EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n"), Kinds{});
  next_[0] -= 1u << 30;
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 401 Unauthorized\r\n"), Kinds{});
}

TEST_F(Watching, reset_answers_nothing_even_with_data) {
  EXPECT_EQ(say(Side::client, 8081, "GET /cgi-bin/../x HTTP/1.1\r\n"), Kinds{});
  flags_ = wire::tcp_flag::kRst | wire::tcp_flag::kAck;
  EXPECT_EQ(say(Side::server, 8081, "no such connection"), Kinds{});
  EXPECT_EQ(say(Side::server, 21, "530 Login incorrect.\r\n"), Kinds{});
}

TEST_F(Watching, data_without_an_acknowledgement_answers_nothing) {
  EXPECT_EQ(say(Side::client, 8081, "GET /cgi-bin/../x HTTP/1.1\r\n"), Kinds{});
  flags_ = wire::tcp_flag::kPsh;
  EXPECT_EQ(say(Side::server, 8081, "HTTP/1.1 404 Not Found\r\n"), Kinds{});
}

TEST_F(Watching, wants_transfers_at_ports_of_dialogues_only) {
  const auto wants = [&](Side side, std::uint16_t port, std::size_t bytes) {
    return watch_->wants(packet(side, port, bytes, 40000), side);
  };
  EXPECT_FALSE(wants(Side::server, 443, 1448));
  say(Side::client, 22, "SSH-2.0-x\r\n", 40001);
  EXPECT_FALSE(wants(Side::server, 443, 1448)) << "a dialogue elsewhere";
  EXPECT_FALSE(wants(Side::server, 22, 1448)) << "another connection to that port";
  EXPECT_TRUE(watch_->may_want(packet(Side::server, 22, 1448, 40000), Side::server));
  EXPECT_TRUE(watch_->wants(packet(Side::server, 22, 1448, 40001), Side::server));
  EXPECT_FALSE(wants(Side::client, 22, 0)) << "nothing inside";
}

TEST_F(Watching, forgets_the_port_with_its_last_dialogue) {
  say(Side::client, 22, "SSH-2.0-x\r\n");
  EXPECT_EQ(watch_->own_counters().dialogues.value(), 1u);
  flags_ = wire::tcp_flag::kRst;
  say(Side::client, 22, "");
  EXPECT_EQ(watch_->own_counters().dialogues.value(), 0u);
  EXPECT_FALSE(watch_->may_want(packet(Side::server, 22, 100, 40000), Side::server));
}

std::shared_ptr<const signature::Database> other_patterns() {
  constexpr const char* kOther = R"(
[[pattern]]
id = "smtp-login-failed"
kind = "login-failed"
expression = '^535 '
protocol = "tcp"
side = "server"
ports = "25"
service = "smtp"
severity = "low"
description = "d"
matches = ['535 no']
spares = ['235 yes']
)";
  return signature::compile(signature::parse_patterns(kOther, "other.toml")).database;
}

TEST_F(Watching, new_patterns_are_taken_when_the_worker_says_so) {
  auto lens = watch_->make_lens(other_patterns());
  ASSERT_TRUE(lens.ok());
  say(Side::client, 22, "SSH-2.0-x\r\n", 40009);
  say(Side::client, 21, "USER x\r\n");
  const std::uint64_t before = watch_->counters().payloads.value();
  watch_->offer(std::move(lens).value());
  EXPECT_EQ(say(Side::server, 21, "530 Login incorrect.\r\n"), Kinds{PayloadKind::login_failed})
      << "not yet taken";
  watch_->take_offered();
  EXPECT_EQ(say(Side::server, 21, "530 Login incorrect.\r\n", 40002), Kinds{});
  EXPECT_EQ(say(Side::server, 25, "535 5.7.8 no\r\n", 40003), Kinds{PayloadKind::login_failed});
  EXPECT_GT(watch_->counters().payloads.value(), before) << "counters go on";
  EXPECT_EQ(watch_->own_counters().dialogues.value(), 1u) << "dialogues stay";
}

TEST_F(Watching, patterns_of_a_worker_that_stands_still_are_the_newest_when_it_is_back) {
  const auto offer = [&](std::shared_ptr<const signature::Database> database) {
    auto lens = watch_->make_lens(std::move(database));
    ASSERT_TRUE(lens.ok());
    watch_->offer(std::move(lens).value());
  };
  const auto old =
      signature::compile(signature::parse_patterns(test::kLoginPatterns, "p.toml")).database;
  const auto other = other_patterns();
  offer(old);
  offer(other);
  watch_->take_offered();
  EXPECT_EQ(old.use_count(), 1) << "never taken, freed by the publisher";
  EXPECT_EQ(say(Side::server, 25, "535 5.7.8 no\r\n"), Kinds{PayloadKind::login_failed});
  watch_->take_offered();
  EXPECT_EQ(say(Side::server, 25, "535 5.7.8 no\r\n", 40002), Kinds{PayloadKind::login_failed})
      << "nothing new, nothing lost";
}

TEST_F(Watching, worker_frees_nothing_itself) {
  const auto other = other_patterns();
  for (int i = 0; i < 2; ++i) {
    auto lens = watch_->make_lens(other);
    ASSERT_TRUE(lens.ok());
    watch_->offer(std::move(lens).value());
    watch_->take_offered();
  }
  EXPECT_EQ(other.use_count(), 3) << "the one in force, and the one before, given back";
  watch_->collect();
  EXPECT_EQ(other.use_count(), 2);
}

TEST_F(Watching, packet_for_another_worker_is_judged_by_the_patterns_of_who_received_it) {
  auto made = Watch::create(other_patterns(), {.dialogues_max = 64});
  ASSERT_TRUE(made.ok());
  const Watch& owner = *made.value();
  EXPECT_TRUE(watch_->may_want(packet(Side::server, 21, 100, 40000), Side::server, owner));
  EXPECT_FALSE(watch_->may_want(packet(Side::server, 25, 100, 40000), Side::server, owner));
}

TEST_F(Watching, frame_that_ends_before_its_payload_says_nothing) {
  const wire::Probe probe = packet(Side::server, 21, 100, 40000);
  const std::vector<std::uint8_t> frame(54);
  EXPECT_EQ(watch_->look(probe, Side::server, frame, base::seconds(1)).count, 0u);
}

TEST_F(Watching, more_connections_than_places_are_no_harm) {
  for (std::uint16_t client = 1000; client < 3000; ++client) {
    next_[0] = next_[1] = 1;
    say(Side::client, 22, "SSH-2.0-x\r\n", client);
  }
  EXPECT_EQ(say(Side::server, 21, "530 no\r\n", 50000), Kinds{PayloadKind::login_failed});
  EXPECT_EQ(watch_->own_counters().dialogues.value(), 64u);
  EXPECT_EQ(watch_->own_counters().dialogues_evicted.value(), 2000u - 64u);
}

}  // namespace
}  // namespace edgesentry::payload
