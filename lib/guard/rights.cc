#include "guard/rights.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

namespace edgesentry::guard {
namespace {

constexpr int kCapabilitiesMax = 63;
constexpr std::chrono::seconds kThreadLimit{5};

// Where it stopped: all of this runs in a signal handler, too, and can only tell with numbers.
enum class Step : int {
  none,
  no_new_privileges,
  keep_capabilities,
  groups,
  group,
  user,
  capabilities,
  ambient,
  landlock
};
constexpr std::array<const char*, 9> kSteps = {"",
                                               "forbidding new privileges",
                                               "keeping capabilities",
                                               "setting the groups",
                                               "setting the group",
                                               "setting the user",
                                               "setting capabilities",
                                               "handing capabilities down",
                                               "closing files with Landlock"};

struct Outcome {
  Step step = Step::none;  // none: all is done
  int error = 0;
};

Outcome failed(Step step) {
  return {step, errno};
}

// glibc's own setresuid() would signal all threads by itself.
bool set_groups(const Account& account) {
  return ::syscall(SYS_setgroups, account.groups.size(), account.groups.data()) == 0;
}

bool set_capabilities(Capabilities keep, bool is_handed_down) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (std::size_t half = 0; half < sets.size(); ++half) {
    const auto kept = static_cast<std::uint32_t>(keep.bits() >> (32 * half));
    sets[half].permitted &= kept;
    sets[half].effective = sets[half].permitted;
    sets[half].inheritable = is_handed_down ? sets[half].permitted : 0;
  }
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

bool hand_down(Capabilities keep) {
  for (int number = 0; number <= kCapabilitiesMax; ++number)
    if (keep.has(number) && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0 &&
        errno != EPERM)
      return false;  // EPERM: it was not ours to begin with, and whoever needs it says so
  return true;
}

// Async-signal-safe: system calls only.
Outcome apply(const Rights& rights) {
  if (!rights.can_regain && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failed(Step::no_new_privileges);
  if (rights.keep) {
    // EINVAL behind the last capability of this kernel; EPERM without CAP_SETPCAP, when
    // no_new_privs alone keeps programs from getting any.
    for (int number = 0; number <= kCapabilitiesMax; ++number)
      if (!rights.keep->has(number)) ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed(Step::keep_capabilities);
  }
  if (rights.become) {
    const Account& account = *rights.become;
    if (!set_groups(account)) return failed(Step::groups);
    if (::syscall(SYS_setresgid, account.group, account.group, account.group) != 0)
      return failed(Step::group);
    if (::syscall(SYS_setresuid, account.user, account.user, account.user) != 0)
      return failed(Step::user);
  }
  if (rights.keep) {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (!set_capabilities(*rights.keep, rights.hands_down_capabilities))
      return failed(Step::capabilities);
    if (rights.hands_down_capabilities && !hand_down(*rights.keep)) return failed(Step::ambient);
    ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  }
  if (rights.landlock >= 0 && ::syscall(SYS_landlock_restrict_self, rights.landlock, 0) != 0)
    return failed(Step::landlock);
  return {};
}

base::Status status_of(const Outcome& outcome) {
  if (outcome.step == Step::none) return {};
  return base::Error{fmt::format(
      "privileges cannot be given up: {}: {}; start as root or leave [privilege] user empty, and "
      "see CapabilityBoundingSet= of the unit",
      kSteps[static_cast<std::size_t>(outcome.step)], std::strerror(outcome.error))};
}

// A signal handler gets no argument of its own: what it needs hangs here while the signal is ours.
struct Errand {
  const Rights& rights;
  sem_t done{};
  std::atomic<int> step{0}, error{0};
};
std::atomic<Errand*>& errand() {
  static std::atomic<Errand*> current{nullptr};
  return current;
}

void on_signal(int) {
  const int before = errno;
  Errand* now = errand().load(std::memory_order_acquire);  // partner: give_up_everywhere()
  if (now != nullptr) {
    const Outcome outcome = apply(now->rights);
    if (outcome.step != Step::none) {
      now->error.store(outcome.error, std::memory_order_relaxed);
      now->step.store(static_cast<int>(outcome.step), std::memory_order_relaxed);
    }
    ::sem_post(&now->done);  // orders what was stored for whoever waits
  }
  errno = before;
}

std::set<pid_t> threads() {
  std::set<pid_t> found;
  std::error_code fault;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", fault)) {
    const std::string name = entry.path().filename();
    pid_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number > 0) found.insert(number);
  }
  return found;
}

base::Status wait_for(Errand& now, pid_t thread) {
  timespec until{};
  ::clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += kThreadLimit.count();
  int code = 0;
  while ((code = ::sem_timedwait(&now.done, &until)) != 0 && errno == EINTR) {
  }
  if (code != 0)
    return base::Error{
        fmt::format("thread {} takes no signal, so it keeps its privileges", thread)};
  return status_of({static_cast<Step>(now.step.load(std::memory_order_relaxed)),
                    now.error.load(std::memory_order_relaxed)});
}

// Until a look finds no thread that is new: each that gave up hands what it is down.
base::Status send_round(Errand& now, int signal) {
  std::set<pid_t> done{static_cast<pid_t>(::gettid())};
  for (bool found_one = true; found_one;) {
    found_one = false;
    const std::set<pid_t> all = threads();
    if (all.empty())
      return base::Error{"the threads of this process cannot be listed: /proc is not mounted"};
    for (const pid_t thread : all) {
      if (!done.insert(thread).second) continue;
      found_one = true;
      if (::syscall(SYS_tgkill, ::getpid(), thread, signal) != 0) {
        if (errno == ESRCH) continue;  // it has ended meanwhile
        return base::Error{
            fmt::format("thread {} cannot be told: {}", thread, std::strerror(errno))};
      }
      if (base::Status told = wait_for(now, thread); !told) return told;
    }
  }
  return {};
}

}  // namespace

base::Status give_up_here(const Rights& rights) {
  return status_of(apply(rights));
}

base::Status give_up_everywhere(const Rights& rights) {
  const int signal = SIGRTMAX - 1;
  Errand now{.rights = rights};
  ::sem_init(&now.done, 0, 0);
  errand().store(&now, std::memory_order_release);  // partner: on_signal()
  struct sigaction ours {};
  struct sigaction before {};
  ours.sa_handler = on_signal;
  ours.sa_flags = SA_RESTART;
  sigfillset(&ours.sa_mask);
  ::sigaction(signal, &ours, &before);
  // This thread last: afterwards it may lack the right to signal and to look into /proc.
  base::Status told = send_round(now, signal);
  if (told.ok()) told = give_up_here(rights);
  ::sigaction(signal, &before, nullptr);
  errand().store(nullptr, std::memory_order_release);
  ::sem_destroy(&now.done);
  return told;
}

base::Status forbid_core_dumps() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return base::Error{fmt::format("core dumps cannot be forbidden: {}; set privilege.core_dumps",
                                   std::strerror(errno))};
  return {};
}

}  // namespace edgesentry::guard
