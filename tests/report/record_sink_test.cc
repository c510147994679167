#include "report/record_sink.h"

#include <gtest/gtest.h>

#include <vector>

#include "samples.h"

namespace edgesentry::report {
namespace {

using std::chrono::milliseconds;

struct FakeDisk {
  std::string written;
  std::size_t room = std::string::npos;
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(FakeDisk& disk) : disk_(disk) {}
  base::Status send(std::string& record) override {
    const std::size_t part = std::min(disk_.room, record.size());
    disk_.written += record.substr(0, part);
    if (disk_.room != std::string::npos) disk_.room -= part;
    record.erase(0, part);
    return record.empty() ? base::Status() : base::Error{"full"};
  }

 private:
  FakeDisk& disk_;
};

class RecordSinkTest : public testing::Test {
 protected:
  RecordSink sink(std::uint32_t per_second) {
    return RecordSink({"test", per_second,
                       [](const Event& event) {
                         std::string line = event.text;
                         if (event.stands_for > 1) line += " x" + std::to_string(event.stands_for);
                         return line.empty() ? line : line + '\n';
                       },
                       [this] { return now_; }},
                      std::make_unique<FakeTransport>(disk_));
  }
  static Event named(std::string text, Action action = Action::source_blocked) {
    Event event = sample_event(action);
    event.text = std::move(text);
    return event;
  }
  static std::uint64_t accounted_for(const Sink& sink) {
    const SinkNumbers& numbers = sink.numbers();
    return numbers.written.value() + numbers.limited.value() + numbers.failed.value() +
           numbers.held.value();
  }

  FakeDisk disk_;
  SteadyTime now_{std::chrono::seconds(1000)};
};

TEST_F(RecordSinkTest, writes_lines_in_order) {
  RecordSink out = sink(0);
  EXPECT_TRUE(out.write(named("a")).ok());
  EXPECT_TRUE(out.write(named("b")).ok());
  EXPECT_EQ(disk_.written, "a\nb\n");
  EXPECT_EQ(out.numbers().written.value(), 2u);
}

TEST_F(RecordSinkTest, does_not_count_what_it_does_not_print) {
  RecordSink out = sink(0);
  EXPECT_TRUE(out.write(named("")).ok());
  EXPECT_EQ(accounted_for(out), 0u);
}

TEST_F(RecordSinkTest, coalesces_what_is_above_the_limit_and_says_how_many) {
  RecordSink out = sink(2);
  for (const char* name : {"a", "b", "c", "d", "e"}) EXPECT_TRUE(out.write(named(name)).ok());
  EXPECT_EQ(disk_.written, "a\nb\n");
  EXPECT_TRUE(out.flush().ok());
  EXPECT_EQ(disk_.written, "a\nb\n");
  now_ += milliseconds(1000);
  EXPECT_TRUE(out.flush().ok());
  EXPECT_EQ(disk_.written, "a\nb\ne x3\n");
  EXPECT_EQ(accounted_for(out), 5u);
}

TEST_F(RecordSinkTest, admits_the_limit_again_in_the_next_second) {
  RecordSink out = sink(1);
  EXPECT_TRUE(out.write(named("a")).ok());
  now_ += milliseconds(999);
  EXPECT_TRUE(out.write(named("b")).ok());
  EXPECT_EQ(disk_.written, "a\n");
  now_ += milliseconds(1);
  EXPECT_TRUE(out.write(named("c")).ok());
  EXPECT_EQ(disk_.written, "a\nc\n");
}

TEST_F(RecordSinkTest, coalesces_each_kind_by_itself) {
  RecordSink out = sink(1);
  EXPECT_TRUE(out.write(named("first")).ok());
  EXPECT_TRUE(out.write(named("block", Action::source_blocked)).ok());
  EXPECT_TRUE(out.write(named("expiry", Action::block_expired)).ok());
  EXPECT_TRUE(out.write(named("block2", Action::source_blocked)).ok());
  EXPECT_TRUE(out.finish().ok());
  EXPECT_EQ(disk_.written, "first\nblock2 x2\nexpiry\n");
  EXPECT_EQ(accounted_for(out), 4u);
}

TEST_F(RecordSinkTest, never_limits_what_the_appliance_says_of_itself) {
  RecordSink out = sink(1);
  EXPECT_TRUE(out.write(named("a")).ok());
  EXPECT_TRUE(out.write(named("stopping", Action::appliance)).ok());
  EXPECT_EQ(disk_.written, "a\nstopping\n");
}

TEST_F(RecordSinkTest, holds_lines_while_the_disk_is_full_and_shows_that_it_is_degraded) {
  RecordSink out = sink(0);
  disk_.room = 3;
  EXPECT_TRUE(out.write(named("a")).ok());
  EXPECT_FALSE(out.write(named("b")).ok());
  EXPECT_FALSE(out.write(named("c")).ok());
  EXPECT_EQ(disk_.written, "a\nb");
  EXPECT_EQ(out.numbers().degraded.value(), 1u);
  EXPECT_EQ(out.numbers().held.value(), 2u);
  disk_.room = std::string::npos;
  EXPECT_TRUE(out.flush().ok());
  EXPECT_EQ(disk_.written, "a\nb\nc\n");
  EXPECT_EQ(out.numbers().degraded.value(), 0u);
  EXPECT_EQ(accounted_for(out), 3u);
}

TEST_F(RecordSinkTest, holds_no_more_than_its_bound_and_admits_the_loss_afterwards) {
  RecordSink out = sink(0);
  disk_.room = 0;
  const std::string long_text(kHeldBytesMax / 4 - 1, 'x');
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(out.write(named(long_text)).ok());
  EXPECT_EQ(out.numbers().held.value(), 4u);
  EXPECT_EQ(out.numbers().failed.value(), 2u);
  disk_.room = std::string::npos;
  EXPECT_TRUE(out.flush().ok());
  EXPECT_TRUE(disk_.written.ends_with("2 events are missing here: test could not be written to\n"));
  EXPECT_EQ(accounted_for(out), 6u);
}

}  // namespace
}  // namespace edgesentry::report
