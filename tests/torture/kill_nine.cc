// SIGKILL at random moments, on the control thread and the keeper of blocks as they run in the
// appliance: after each, what was acknowledged as durable must be in the file, with its end, and
// nothing that was taken back.
//
// A child opens the file, restores, and makes blocks as operators and alerts do, several threads at
// once; what is acknowledged it writes to a pipe, which outlives it. The parent kills it, opens the
// file and compares. Random numbers come from --seed; the moments of the kills do not depend on it
// alone, for the machine has its own pace.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "control/rig.h"
#include "support/scratch.h"

namespace edgesentry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kClients = 3;
constexpr std::uint32_t kSourcesPerClient = 400;
constexpr std::int64_t kSecond = 1'000'000;

// What one client asked for, or was told, in the order of time: a pipe takes it whole.
struct Word {
  std::uint32_t source = 0;
  bool is_answer = false;
  bool is_blocked = false;
  std::int64_t until = 0;  // seconds since 1970; of an answer
};

std::int64_t seconds_of(const std::string& timestamp) {
  std::tm time{};
  if (::strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) return -1;
  return ::timegm(&time);
}

// Each client has sources of its own, so that the order of its requests is the order of the truth.
void be_a_client(control::Mailbox& mailbox, int client, std::uint64_t seed, int pipe) {
  std::mt19937_64 random(seed + static_cast<std::uint64_t>(client));
  const std::uint32_t first = 0x0a000000u + (static_cast<std::uint32_t>(client) << 16);
  for (;;) {
    const auto source = first + static_cast<std::uint32_t>(random() % kSourcesPerClient);
    const bool blocks = random() % 4 != 0;
    nlohmann::json request = {{"command", blocks ? "block" : "unblock"},
                              {"address", base::Ip::v4(source).to_string()}};
    if (blocks) request["for"] = fmt::format("{}s", 600 + random() % 3000);
    const Word asked{.source = source, .is_blocked = blocks};
    if (::write(pipe, &asked, sizeof asked) != sizeof asked) return;
    const nlohmann::json reply = mailbox.call(request, std::chrono::seconds(10));
    // What was refused (nobody to unblock) or is not durable binds nobody.
    if (!reply.value("ok", false) || !reply.value("durable", false)) continue;
    const Word told{.source = source,
                    .is_answer = true,
                    .is_blocked = blocks,
                    .until = blocks ? seconds_of(reply["until"]) : 0};
    if (::write(pipe, &told, sizeof told) != sizeof told) return;
  }
}

[[noreturn]] void be_the_appliance(const std::string& path, std::uint64_t seed, int pipe) {
  test::Rig rig({.state_file = path});
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i)
    clients.emplace_back([&, i] { be_a_client(rig.mailbox, i, seed, pipe); });
  std::mt19937_64 random(seed);
  for (;;) {  // load: scanners beside the operators
    for (int i = 0; i < 20; ++i)
      static_cast<void>(rig.send(
          0, rig.dropping_alert(
                 base::Ip::v4(0x0b000000u + static_cast<std::uint32_t>(random() % 2000)))));
    rig.clock.advance(microseconds(500));
    rig.loop->run_round();
    for (auto& worker : rig.workers) worker.apply_orders();
  }
}

class Truth {
 public:
  void take(const Word& word) {
    Source& source = sources_[word.source];
    source.is_open = !word.is_answer;
    (word.is_answer ? source.told : source.asked) = word;
    answers_ += word.is_answer;
  }
  // How many sources are not in the file as they were told last. Where the kill came between a
  // request and its answer, the file may be as before or as it was asked for.
  int compare(const std::vector<store::Record>& records) {
    std::map<std::uint32_t, std::int64_t> ends;
    for (const store::Record& record : records)
      if (record.standing == store::Standing::blocked)
        ends[record.source.v4_value()] = record.until / kSecond;
    int wrong = 0;
    for (auto& [address, source] : sources_) {
      const auto at = ends.find(address);
      const bool is_blocked = at != ends.end();
      const std::int64_t until = is_blocked ? at->second : 0;
      const bool as_told = is_blocked == source.told.is_blocked && until == source.told.until;
      const bool as_asked = source.is_open && is_blocked == source.asked.is_blocked;
      if (!as_told && !as_asked) {
        ++wrong;
        fmt::print(stderr, "{}: told {} until {}, the file has {}\n",
                   base::Ip::v4(address).to_string(), source.told.is_blocked, source.told.until,
                   until);
      }
      source = {.told = {.source = address, .is_blocked = is_blocked, .until = until}};
    }
    return wrong;
  }
  [[nodiscard]] std::uint64_t answers() const { return answers_; }

 private:
  struct Source {
    Word told, asked;
    bool is_open = false;
  };
  std::map<std::uint32_t, Source> sources_;
  std::uint64_t answers_ = 0;
};

struct Settings {
  int rounds = 40;
  std::uint64_t seed = 1;
};

// One life: until `longest` after its first word, at most.
void live_and_die(const std::string& path, std::uint64_t seed, milliseconds longest, Truth& truth) {
  int ends[2];
  EDGESENTRY_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "a pipe can be made");
  ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  const pid_t child = ::fork();
  EDGESENTRY_CHECK(child >= 0, "a process can be made");
  if (child == 0) {
    ::close(ends[0]);
    be_the_appliance(path, seed, ends[1]);
  }
  ::close(ends[1]);
  pollfd first{ends[0], POLLIN, 0};
  ::poll(&first, 1, 10'000);
  ::poll(nullptr, 0, static_cast<int>(longest.count()));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  Word word;
  while (::read(ends[0], &word, sizeof word) == sizeof word) truth.take(word);
  ::close(ends[0]);
}

int run(const Settings& settings) {
  const test::Scratch folder;
  const std::string path = folder.path() + "/state.db";
  std::mt19937_64 random(settings.seed);
  Truth truth;
  int wrong = 0;
  std::size_t kept = 0;
  for (int round = 0; round < settings.rounds; ++round) {
    live_and_die(path, random(), milliseconds(random() % 60), truth);
    store::Opened opened = store::BlockStore::open(path);
    for (const std::string& note : opened.notes) fmt::print(stderr, "{}\n", note);
    wrong += opened.notes.empty() ? 0 : 1;
    wrong += truth.compare(opened.records);
    kept = opened.records.size();
    if (::isatty(STDERR_FILENO) != 0 && round % 10 == 9)
      fmt::print(stderr, "\r{} of {} kills", round + 1, settings.rounds);
  }
  fmt::print("{} kills, {} acknowledged requests, {} sources in the file, {} wrong\n",
             settings.rounds, truth.answers(), kept, wrong);
  const bool was_tried = truth.answers() > static_cast<std::uint64_t>(settings.rounds);
  if (!was_tried) fmt::print(stderr, "too few requests were acknowledged to say anything\n");
  return wrong == 0 && was_tried ? 0 : 1;
}

}  // namespace
}  // namespace edgesentry

int main(int argc, char** argv) {
  edgesentry::Settings settings;
  CLI::App app("SIGKILL at random moments: what was acknowledged must be on disk", "kill_nine");
  app.add_option("--rounds", settings.rounds, "How many kills")->capture_default_str();
  app.add_option("--seed", settings.seed, "For the requests and the moments")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return edgesentry::run(settings);
}
