#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "report/syslog_socket.h"
#include "report/syslog_text.h"
#include "samples.h"
#include "temp_directory.h"

namespace edgesentry::report {
namespace {

// What listens on /dev/log, as far as a client can tell.
class FakeDaemon {
 public:
  explicit FakeDaemon(const std::string& path) : path_(path) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    bound_ = bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~FakeDaemon() {
    close(fd_);
    std::filesystem::remove(path_);
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  [[nodiscard]] bool bound() const { return bound_; }
  // Empty when nothing waits.
  std::string receive() {
    std::string message(4096, 0);
    const ssize_t size = recv(fd_, message.data(), message.size(), 0);
    message.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return message;
  }

 private:
  std::string path_;
  int fd_ = -1;
  bool bound_ = false;
};

TEST(SyslogText, puts_what_was_done_before_the_scan_line) {
  EXPECT_EQ(syslog_lines(sample_event()),
            "attackalert: Host 10.9.0.2 has been blocked for 600 seconds (offence 1): 10.9.0.2 "
            "touched 2 watched ports\n"
            "Scan from: [10.9.0.2] (10.9.0.2) protocol: [TCP] port: [11] type: [TCP SYN/Normal "
            "scan] IP opts: [not set] ignored: [false] triggered: [true] noblock: [false] "
            "blocked: [true]\n");
}

TEST(SyslogText, tells_expiry_unblocking_and_the_life_of_the_appliance) {
  EXPECT_EQ(syslog_lines(sample_event(Action::block_expired)),
            "adminalert: Host 10.9.0.2 is no longer blocked: its time is over\n");
  Event event = sample_event(Action::source_unblocked);
  event.text = "by uid 0";
  EXPECT_EQ(syslog_lines(event), "adminalert: Host 10.9.0.2 has been unblocked: by uid 0\n");
  event.action = Action::appliance;
  event.text = "EdgeSentry is starting";
  EXPECT_EQ(syslog_lines(event), "adminalert: EdgeSentry is starting\n");
}

TEST(SyslogText, is_silent_about_a_detection_that_its_block_will_tell) {
  EXPECT_EQ(syslog_lines(sample_event(Action::scan_detected)), "");
}

TEST(SyslogText, reports_a_block_that_could_not_be_made_as_portsentry_does) {
  Event event = sample_event(Action::scan_detected);
  event.block_failed = true;
  EXPECT_TRUE(syslog_lines(event).starts_with(
      "attackalert: ERROR: Could not block host 10.9.0.2 !!\nScan from: [10.9.0.2]"));
}

TEST(SyslogText, says_how_many_a_coalesced_line_stands_for) {
  Event event = sample_event(Action::would_block);
  event.stands_for = 42;
  EXPECT_TRUE(syslog_lines(event).ends_with("\nadminalert: 41 more like this were left out\n"));
}

TEST(SyslogText, lets_no_text_forge_a_second_message_or_grow_past_the_limit) {
  Event event;
  event.text = "a\nb\rc\x7f" + std::string(5000, 'x');
  const std::string lines = syslog_lines(event);
  EXPECT_TRUE(lines.starts_with("adminalert: a b c x"));
  EXPECT_LE(syslog_record(event, 4'194'304).size(), 1024u);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
}

TEST(SyslogText, carries_facility_daemon_severity_notice_and_the_ident) {
  setenv("TZ", "UTC", 1);
  tzset();
  Event event;
  event.time = sample_time();
  event.text = "hello";
  EXPECT_EQ(syslog_record(event, 123), "<29>Nov 22 06:54:30 edgesentry[123]: adminalert: hello\n");
}

TEST(SyslogSocket, sends_one_datagram_per_line) {
  const TempDirectory directory;
  FakeDaemon daemon(directory / "log");
  ASSERT_TRUE(daemon.bound());
  SyslogSocket socket(directory / "log");
  std::string record = "one\ntwo\n";
  ASSERT_TRUE(socket.send(record).ok());
  EXPECT_EQ(record, "");
  EXPECT_EQ(daemon.receive(), "one");
  EXPECT_EQ(daemon.receive(), "two");
  EXPECT_EQ(daemon.receive(), "");
}

TEST(SyslogSocket, connects_again_after_the_daemon_was_restarted) {
  const TempDirectory directory;
  SyslogSocket socket(directory / "log");
  std::string record = "lost for now\n";
  const base::Status missing = socket.send(record);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().text.find("start a syslog daemon"), std::string::npos);
  EXPECT_EQ(record, "lost for now\n");
  {
    FakeDaemon daemon(directory / "log");
    ASSERT_TRUE(socket.send(record).ok());
    EXPECT_EQ(daemon.receive(), "lost for now");
  }
  record = "again\n";
  EXPECT_FALSE(socket.send(record).ok());
  FakeDaemon daemon(directory / "log");
  ASSERT_TRUE(socket.send(record).ok());
  EXPECT_EQ(daemon.receive(), "again");
}

TEST(SyslogSocket, does_not_wait_for_a_daemon_that_does_not_read) {
  const TempDirectory directory;
  FakeDaemon daemon(directory / "log");
  ASSERT_TRUE(daemon.bound());
  SyslogSocket socket(directory / "log");
  base::Status last;
  std::string record;
  for (int i = 0; i < 100'000 && last.ok(); ++i) {
    record = "line " + std::to_string(i) + '\n';
    last = socket.send(record);
  }
  ASSERT_FALSE(last.ok());
  EXPECT_FALSE(record.empty());
  while (!daemon.receive().empty()) {
  }
  EXPECT_TRUE(socket.send(record).ok());
}

}  // namespace
}  // namespace edgesentry::report
