#include "control/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace edgesentry::control {
namespace {

using nlohmann::json;
using std::chrono_literals::operator""ms;

TEST(Mailbox, hands_letters_over_in_order) {
  Mailbox mailbox(4);
  auto first = mailbox.post(1);
  auto second = mailbox.post(2);
  for (int i = 1; i <= 2; ++i) {
    auto letter = mailbox.take();
    ASSERT_TRUE(letter.has_value());
    letter->reply.set_value(letter->request.get<int>() * 10);
  }
  EXPECT_EQ(first.get(), 10);
  EXPECT_EQ(second.get(), 20);
  EXPECT_FALSE(mailbox.take().has_value());
}

TEST(Mailbox, refuses_at_once_when_it_is_full) {
  Mailbox mailbox(2);
  auto first = mailbox.post(1);
  auto second = mailbox.post(2);
  const auto refused = mailbox.post(3).get();
  EXPECT_EQ(refused["ok"], false);
  EXPECT_NE(refused["error"].get<std::string>().find("2 commands wait"), std::string::npos);
  auto letter = mailbox.take();
  ASSERT_TRUE(letter.has_value());
  auto third = mailbox.post(3);
  EXPECT_EQ(third.wait_for(0ms), std::future_status::timeout) << "room again";
}

TEST(Mailbox, gives_up_waiting_and_survives_the_late_answer) {
  Mailbox mailbox;
  const auto reply = mailbox.call({{"command", "status"}}, 1ms);
  EXPECT_EQ(reply["ok"], false);
  auto letter = mailbox.take();
  ASSERT_TRUE(letter.has_value());
  letter->reply.set_value(json(1));
}

TEST(Mailbox, answers_what_is_left_when_it_closes) {
  Mailbox mailbox;
  auto waiting = mailbox.post(1);
  mailbox.close();
  EXPECT_EQ(waiting.get()["ok"], false);
  EXPECT_EQ(mailbox.post(2).get()["ok"], false);
  EXPECT_FALSE(mailbox.take().has_value());
}

TEST(Mailbox, serves_many_threads) {
  Mailbox mailbox(8);
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::atomic<int> done{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i)
        if (mailbox.call(i, 60'000ms) == json(i)) answered.fetch_add(1);
      done.fetch_add(1);
    });
  while (done.load() < kThreads) {
    mailbox.wait(20ms);
    while (auto letter = mailbox.take()) letter->reply.set_value(letter->request);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered.load(), kThreads * kEach);
}

}  // namespace
}  // namespace edgesentry::control
