#include "edgesentryd/privilege.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <utility>

#include "edgesentryd/controller.h"
#include "edgesentryd/privilege_needs.h"
#include "edgesentryd/xdp.h"
#include "enforce/nft_process.h"

namespace edgesentry::appliance {
namespace {

constexpr const char* kOurUser = "edgesentry";
constexpr const char* kNobody = "nobody";
constexpr const char* kAutomatic = "automatic";
constexpr std::size_t kCommandsAtOnce = 4;  // as report::Responder runs them
constexpr std::chrono::milliseconds kCommandDeadline{10'000};

bool is_root() {
  return ::geteuid() == 0;
}

// Absent: this process is that user already.
base::Result<std::optional<guard::Account>> other_user(const std::string& key,
                                                       const std::string& user,
                                                       const std::string& group) {
  auto account = guard::find_account(user, group);
  if (!account) return base::Error{key + ": " + account.error().text};
  if (account.value().user == ::geteuid()) return std::optional<guard::Account>();
  if (!is_root())
    return base::Error{fmt::format(
        "{} = \"{}\": only root can become another user; start as root, or leave it automatic", key,
        user)};
  return std::optional(std::move(account).value());
}

std::vector<std::string> runner_words(std::initializer_list<std::string> more,
                                      const std::optional<guard::Account>& account) {
  std::vector<std::string> words = {enforce::beside_this_program("edgesentry-run")};
  words.insert(words.end(), more);
  if (account) {
    words.push_back(fmt::format("--user={}", account->user));
    words.push_back(fmt::format("--group={}", account->group));
  }
  words.emplace_back("--");
  return words;
}

}  // namespace

base::Result<std::unique_ptr<Privilege>> Privilege::prepare(const config::Config& config, Say say) {
  std::unique_ptr<Privilege> made(new Privilege(config, std::move(say)));
  if (base::Status settled = made->settle_accounts(); !settled) return settled.error();
  if (base::Status settled = made->settle_capabilities(); !settled) return settled.error();
  return made;
}

void Privilege::need(const std::string& patterns) {
  needed_ = needed_places(config_, patterns);
}

base::Status Privilege::settle_accounts() {
  const config::Privilege& wanted = config_.privilege;
  std::string user = wanted.user;
  if (user == kAutomatic) user = is_root() && guard::has_account(kOurUser) ? kOurUser : "";
  if (!user.empty()) {
    auto account = other_user("privilege.user", user, wanted.group);
    if (!account) return account.error();
    account_ = std::move(account).value();
    done_.user = user;
  }
  if (is_root() && !account_)
    say_(
        "runs on as root, because [privilege] user names nobody else and there is no user "
        "edgesentry: `useradd --system --no-create-home --shell /usr/sbin/nologin edgesentry` "
        "makes one");
  if (config_.log.block_command.empty()) return {};
  std::string runs = wanted.command_user;
  is_command_root_ = is_root() && (runs == "root" || runs == "0");
  if (is_command_root_) return {};
  if (runs == kAutomatic) runs = is_root() ? kNobody : "";
  if (runs.empty()) return {};
  auto account = other_user("privilege.command_user", runs, "");
  if (!account) return account.error();
  command_account_ = std::move(account).value();
  return {};
}

// Root that stays root keeps what it had: files of other users may be among what it writes.
base::Status Privilege::settle_capabilities() {
  const auto needed = needed_capabilities(config_);
  if (!needed) return needed.error();
  if (account_ || !is_root()) keep_ = needed.value();
  return {};
}

std::vector<guard::OutOfReach> Privilege::out_of_reach() const {
  if (!account_) return {};
  return guard::out_of_reach(*account_, needed_, guard::would_hand_over(*account_, needed_));
}

base::Status Privilege::hand_over() {
  for (const std::string& sentence : guard::open_to_all(needed_)) say_(sentence);
  if (!account_) return {};
  guard::hand_over(*account_, needed_);
  std::string text;
  for (const guard::OutOfReach& fault : guard::out_of_reach(*account_, needed_)) {
    if (fault.is_written)
      say_(fault.text + "; it starts all the same, and does without that file until it can write");
    else
      text += (text.empty() ? "" : "\nedgesentryd: ") + fault.text;
  }
  if (text.empty()) return {};
  return base::Error{std::move(text)};
}

base::Status Privilege::start_companions() {
  if (base::Status started = start_commands(); !started) return started;
  if (base::Status started = start_nft_launcher(); !started) return started;
  if (base::Status started = start_xdp_launcher(); !started) return started;
  swept_ = sweep_leftovers(config_, xdp_launcher_ != nullptr, say_);
  return {};
}

base::Status Privilege::start_commands() {
  const auto command = report::parse_command(config_.log.block_command);
  if (!command) return base::Error{"log.block_command: " + command.error().text};
  if (command.value().empty()) return {};
  std::vector<std::string> words =
      runner_words({"--commands", fmt::format("--sockets={}", kCommandsAtOnce),
                    fmt::format("--deadline-ms={}", kCommandDeadline.count()),
                    fmt::format("--keep-all={}", is_command_root_)},
                   command_account_);
  words.insert(words.end(), command.value().begin(), command.value().end());
  auto companion = guard::Companion::start(words, kCommandsAtOnce);
  if (!companion) return companion.error();
  commands_ = std::make_unique<report::CommandRunner>(std::move(companion).value(), kCommandsAtOnce,
                                                      kCommandDeadline);
  return {};
}

base::Status Privilege::start_nft_launcher() {
  if (nftables_hooks(config_) == config::Nftables::off) return {};
  std::vector<std::string> words = runner_words({"--keep=CAP_NET_ADMIN"}, account_);
  const std::vector<std::string> nft = enforce::NftProcess::arguments(nft_settings(config_));
  words.insert(words.end(), nft.begin(), nft.end());
  auto companion = guard::Companion::start(words, 1);
  if (!companion) return companion.error();
  nft_companion_ = std::move(companion).value();
  nft_launcher_ = std::make_unique<guard::Launcher>(nft_companion_->socket(0));
  return {};
}

base::Status Privilege::start_xdp_launcher() {
  const XdpPlan plan = plan_xdp(config_);
  if (!plan.note.empty()) say_(plan.note);
  if (!plan.process) return {};
  std::vector<std::string> words = runner_words({}, account_);
  words.pop_back();  // the mark of the program
  for (const std::string& capability : plan.capabilities) words.push_back("--keep=" + capability);
  words.emplace_back("--");
  const std::vector<std::string> xdp = enforce::NftProcess::arguments(*plan.process);
  words.insert(words.end(), xdp.begin(), xdp.end());
  auto companion = guard::Companion::start(words, 1);
  if (!companion) return companion.error();
  xdp_companion_ = std::move(companion).value();
  xdp_launcher_ = std::make_unique<guard::Launcher>(xdp_companion_->socket(0));
  return {};
}

base::Status Privilege::give_up(const std::string& runtime_folder) {
  guard::Rights rights{.become = account_, .keep = keep_};
  std::optional<guard::Landlock> landlock;
  if (config_.privilege.landlock == config::Landlock::automatic && !guard::is_instrumented()) {
    guard::OpenPlaces open = places_to_leave_open(config_, needed_);
    open.writable.push_back(runtime_folder);
    auto made = guard::Landlock::make(open);
    if (made) {
      landlock.emplace(std::move(made).value());
      rights.landlock = landlock->fd();
      done_.landlock_abi = landlock->abi();
    } else if (guard::landlock_abi() == 0) {
      say_(made.error().text);
    } else {
      return made.error();
    }
  }
  if (base::Status given = guard::give_up_everywhere(rights); !given) return given;
  if (guard::is_instrumented()) return {};
  if (!config_.privilege.core_dumps) return guard::forbid_core_dumps();
  // Becoming another user has forbidden them.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
    return base::Error{"privilege.core_dumps: the kernel does not allow them"};
  return {};
}

base::Status Privilege::filter_calls(bool takes_faults) {
  const config::Seccomp wanted = config_.privilege.seccomp;
  if (wanted == config::Seccomp::off || guard::is_instrumented()) return {};
  const bool is_logging = wanted == config::Seccomp::log;
  if (base::Status set = guard::filter_calls(
          {.filter = is_logging ? guard::CallFilter::log : guard::CallFilter::refuse,
           .has_bpf = needs_bpf(config_),
           .may_limit_files = takes_faults});
      !set)
    return set;
  done_.seccomp = is_logging ? "log" : "refuse";
  return {};
}

}  // namespace edgesentry::appliance
