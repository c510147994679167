// A watch with a few patterns, and what the two sides of connections say to each other.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "payload/watch.h"
#include "signature/pattern_file.h"
#include "support/login_patterns.h"

namespace edgesentry::payload {

using scan::PayloadKind;
using signature::Side;

class Watching : public testing::Test {
 protected:
  void SetUp() override {
    const auto compiled =
        signature::compile(signature::parse_patterns(test::kLoginPatterns, "p.toml"));
    for (const auto& problem : compiled.problems) ADD_FAILURE() << problem.to_string();
    ASSERT_NE(compiled.database, nullptr);
    auto watch = Watch::create(compiled.database, {.dialogues_max = 64});
    ASSERT_TRUE(watch.ok());
    watch_ = std::move(watch).value();
  }

  wire::Probe packet(Side side, std::uint16_t port, std::size_t bytes, std::uint16_t client) {
    wire::Probe probe{};
    probe.outcome = wire::ParseOutcome::tcp;
    probe.protocol = 6;
    probe.tcp_flags = flags_;
    probe.source = client_;
    probe.target = server_;
    probe.source_port = client;
    probe.target_port = port;
    if (side == Side::server) {
      std::swap(probe.source, probe.target);
      std::swap(probe.source_port, probe.target_port);
    }
    probe.payload_offset = 54;
    probe.payload_bytes = static_cast<std::uint16_t>(bytes);
    std::uint32_t& next = next_[static_cast<std::size_t>(side)];
    probe.sequence = next;
    probe.acknowledgement = next_[side == Side::client ? 1 : 0];
    next += static_cast<std::uint32_t>(bytes);
    return probe;
  }

  std::vector<PayloadKind> say(Side side, std::uint16_t port, std::string_view text,
                               std::uint16_t client = 40000) {
    const wire::Probe probe = packet(side, port, text.size(), client);
    std::vector<std::uint8_t> frame(54);
    frame.insert(frame.end(), text.begin(), text.end());
    std::vector<PayloadKind> kinds;
    const scan::Roles both{.actor = true, .answer = true};
    EXPECT_EQ(watch_->sender_of(probe, both), side);
    if (!watch_->wants(probe, side)) return kinds;
    const Notes notes = watch_->look(probe, side, frame, base::seconds(1));
    for (const auto& note : notes.all()) {
      EXPECT_EQ(note.source, client_);
      EXPECT_EQ(note.target, server_);
      EXPECT_EQ(note.port, port);
      kinds.push_back(note.kind);
      tool_ = note.tool;
    }
    return kinds;
  }

  const base::Ip client_ = base::Ip::v4(0xc6336407), server_ = base::Ip::v4(0x0a000001);
  std::uint32_t next_[2] = {1000, 5000};
  std::uint8_t flags_ = wire::tcp_flag::kAck | wire::tcp_flag::kPsh;
  scan::Tool tool_ = scan::Tool::none;  // of the newest note
  std::unique_ptr<Watch> watch_;
};

using Kinds = std::vector<PayloadKind>;

}  // namespace edgesentry::payload
