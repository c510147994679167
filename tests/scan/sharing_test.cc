// What workers share is read only while packets are looked at: it lies on pages that nobody may
// write, and each worker goes its whole way.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <new>

#include "probes.h"

namespace edgesentry::scan {
namespace {

constexpr std::size_t kPages = 1 << 20;
const base::Ip kServer = ip4(203, 0, 113, 10);

struct Shared {
  ServiceEntry services[kServiceEntries];
  DetectionPolicy policy;
};
static_assert(sizeof(Shared) <= kPages);

class Sharing : public ::testing::Test {
 protected:
  void SetUp() override {
    pages_ = ::mmap(nullptr, kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages_, MAP_FAILED);
    shared_ = new (pages_) Shared();
    shared_->policy.enforce = true;
    for (Bench& worker : workers_) {
      worker.settings.services = shared_->services;
      const std::size_t bytes = Inspector::bytes_needed(worker.settings);
      const std::size_t whole = (bytes + base::kCacheLine - 1) / base::kCacheLine;
      memory_.push_back(std::make_unique<Line[]>(whole));
      worker.inspector = std::make_unique<Inspector>(
          worker.settings, std::as_writable_bytes(std::span(memory_.back().get(), whole)),
          worker.tally);
    }
  }
  void TearDown() override {
    allow(PROT_READ | PROT_WRITE);
    for (Bench& worker : workers_) worker.inspector.reset();
    shared_->~Shared();
    ::munmap(pages_, kPages);
  }
  void allow(int access) { ASSERT_EQ(::mprotect(pages_, kPages, access), 0); }

  Verdict go(Bench& worker, const wire::Probe& probe, Role role) {
    Verdict verdict = Verdict::pass;
    worker.now = worker.now + base::milliseconds(1);
    worker.inspector->inspect({&probe, 1}, role, worker.now, shared_->policy, {&verdict, 1},
                              worker.outbox);
    for (const Alert& alert : worker.outbox.alerts())
      if (alert.kind != AlertKind::clue) ++alerts_;
    worker.outbox.clear();
    return verdict;
  }
  void serve(Bench& worker, std::uint32_t client, std::uint16_t port) {
    const Flow flow{ip4(198, 51, 100, client), kServer, 40000, port};
    go(worker, tcp(flow, kSynFlag), Role::actor);
    go(worker, tcp(flow.back(), kSynAck), Role::answer);
    go(worker, tcp(flow, kAckFlag, 100), Role::actor);
  }
  void refuse(Bench& worker, std::uint32_t scanner, std::uint16_t port) {
    const Flow flow{ip4(198, 51, 100, scanner), kServer, 40000, port};
    if (go(worker, tcp(flow, kSynFlag), Role::actor) == Verdict::pass)
      go(worker, tcp(flow.back(), kRstAck), Role::answer);
  }

  struct alignas(base::kCacheLine) Line {
    std::byte bytes[base::kCacheLine];
  };
  void* pages_ = MAP_FAILED;
  Shared* shared_ = nullptr;
  Bench workers_[2];
  std::vector<std::unique_ptr<Line[]>> memory_;
  std::size_t alerts_ = 0;
};

TEST_F(Sharing, workers_write_nothing_that_another_reads) {
  for (const std::uint16_t port : {22, 80, 443}) serve(workers_[0], 1, port);
  allow(PROT_READ);
  for (std::uint32_t round = 0; round < 100; ++round)
    for (Bench& worker : workers_) {
      for (const std::uint16_t port : {22, 80, 443}) serve(worker, 10 + round, port);
      refuse(worker, 200, static_cast<std::uint16_t>(1000 + round));
      worker.inspector->tick(worker.now, shared_->policy, worker.outbox);
      worker.outbox.clear();
    }
  EXPECT_EQ(alerts_, 2u) << "each worker had its scanner";
}

using SharingDeathTest = Sharing;

TEST_F(SharingDeathTest, a_service_is_written_once_when_it_is_new) {
  allow(PROT_READ);
  EXPECT_DEATH(serve(workers_[1], 1, 8080), "");
}

}  // namespace
}  // namespace edgesentry::scan
