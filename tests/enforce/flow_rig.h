// A port for drop rules whose failures are on order, and an enforcer on two of them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "enforce/flow_enforcer.h"
#include "support/alerts.h"

namespace edgesentry::test {

using enforce::FlowApi;
using enforce::FlowEnforcer;
using Outcome = FlowApi::Outcome;

// A port that keeps rules as it should, with its failures on order.
struct FakePort {
  std::string label = "lab outside";
  base::Micros* clock = nullptr;
  base::Micros each_takes;  // of every call
  bool has_v4 = true, has_v6 = true, has_counts = true;
  std::size_t room = 1'000'000;
  int refuse_creates = 0, refuse_destroys = 0, refuse_flushes = 0;
  std::uint64_t losses = 0;
  FlowApi::Rule next = 1;
  std::map<FlowApi::Rule, base::Ip> rules;
  std::map<base::Ip, std::uint64_t> sent;  // packets of a source so far
  std::vector<std::string> log;            // what was done, in order
  int calls = 0, broken_handles = 0;

  [[nodiscard]] std::set<base::Ip> sources() const {
    std::set<base::Ip> found;
    for (const auto& [rule, source] : rules) found.insert(source);
    return found;
  }
};

class FakeApi final : public FlowApi {
 public:
  explicit FakeApi(FakePort& port) : port_(port) {}
  [[nodiscard]] std::string_view label() const noexcept override { return port_.label; }
  base::Status validate(const base::Ip& source, bool is_counted) override {
    if (!(source.is_v4() ? port_.has_v4 : port_.has_v6)) return base::Error{"no such item"};
    if (is_counted && !port_.has_counts) return base::Error{"no such action"};
    return {};
  }
  Answer create(const base::Ip& source, bool) override {
    spend("create", source);
    if (port_.refuse_creates > 0) {
      --port_.refuse_creates;
      return {.outcome = Outcome::refused, .fault = "Device or resource busy"};
    }
    if (port_.rules.size() >= port_.room)
      return {.outcome = Outcome::full, .fault = "No space left on device"};
    EXPECT_FALSE(port_.sources().contains(source)) << "one rule a source";
    port_.rules[port_.next] = source;
    return {.rule = port_.next++};
  }
  Answer destroy(Rule rule) override {
    if (!port_.rules.contains(rule)) {
      ++port_.broken_handles;
      return {.outcome = Outcome::gone, .fault = "No such file or directory"};
    }
    spend("destroy", port_.rules[rule]);
    if (port_.refuse_destroys > 0) {
      --port_.refuse_destroys;
      return {.outcome = Outcome::refused, .fault = "Input/output error"};
    }
    port_.rules.erase(rule);
    return {};
  }
  Answer count(Rule rule) override {
    if (!port_.rules.contains(rule)) return {.outcome = Outcome::gone, .fault = "gone"};
    return {.packets = port_.sent[port_.rules[rule]]};
  }
  Answer flush() override {
    ++port_.calls;
    port_.log.emplace_back("flush");
    if (port_.refuse_flushes > 0) {
      --port_.refuse_flushes;
      return {.outcome = Outcome::refused, .fault = "Input/output error"};
    }
    port_.rules.clear();
    return {};
  }
  [[nodiscard]] std::uint64_t losses() const noexcept override { return port_.losses; }

 private:
  void spend(const std::string& what, const base::Ip& source) {
    ++port_.calls;
    *port_.clock = *port_.clock + port_.each_takes;
    port_.log.push_back(what + " " + source.to_string());
  }
  FakePort& port_;
};

class FlowRig : public ::testing::Test {
 protected:
  void start(std::size_t rules_max = 0) {
    std::vector<std::unique_ptr<FlowApi>> apis;
    for (FakePort* each : ports) {
      each->clock = &now;
      apis.push_back(std::make_unique<FakeApi>(*each));
    }
    FlowEnforcer::Settings settings;
    settings.rules_max = rules_max;
    settings.must_have_all = must_have_all;
    settings.now = [this] { return now; };
    settings.say = [this](std::string text) { said.push_back(std::move(text)); };
    enforcer = std::make_unique<FlowEnforcer>(std::move(apis), std::move(settings));
    notes = enforcer->start();
  }
  void block(const base::Ip& source) {
    ledger.block({.source = source, .duration = std::chrono::hours(9)}, now);
    submit(source, scan::OrderKind::block);
  }
  void lift(const base::Ip& source) {
    ledger.lift(source, now);
    submit(source, scan::OrderKind::lift);
  }
  void submit(const base::Ip& source, scan::OrderKind kind) {
    const scan::Order order{ledger.key_of(source), kind, {}};
    enforcer->submit({&order, 1});
  }
  void rounds(int count = 1) {
    for (int i = 0; i < count; ++i) {
      now = now + base::milliseconds(20);
      enforcer->reconcile(ledger);
    }
  }
  void pass(base::Micros time) {
    now = now + time;
    rounds(40);
  }

  base::Micros now = base::seconds(1'000'000);
  policy::Ledger ledger{{.blocks_max = 4096, .history_max = 4096}};
  FakePort port, other{.label = "dmz outside"};
  std::vector<FakePort*> ports = {&port};
  bool must_have_all = false;
  std::vector<std::string> notes, said;
  std::unique_ptr<FlowEnforcer> enforcer;
};

}  // namespace edgesentry::test
