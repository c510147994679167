#include "nic/eal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace edgesentry::nic {
namespace {

// rte_eal_init() prints 90 lines of usage to standard output on a wrong option, and getopt's and
// its own complaints to standard error. While this lives, both go to a file in memory, so that our
// one sentence can carry what matters.
class OutputCaptured {
 public:
  OutputCaptured()
      : errors_(::memfd_create("edgesentry_eal", MFD_CLOEXEC)),
        nowhere_(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    std::fflush(stdout);
    redirect(STDOUT_FILENO, nowhere_, saved_output_);
    redirect(STDERR_FILENO, errors_, saved_errors_);
  }
  ~OutputCaptured() {
    std::fflush(stdout);
    restore(STDOUT_FILENO, saved_output_);
    restore(STDERR_FILENO, saved_errors_);
    for (const int file : {errors_, nowhere_})
      if (file >= 0) ::close(file);
  }
  OutputCaptured(const OutputCaptured&) = delete;
  OutputCaptured& operator=(const OutputCaptured&) = delete;

  // The lines on standard error so far, at most a few, joined by "; ".
  [[nodiscard]] std::string errors() const {
    std::array<char, 512> bytes;
    const ssize_t size = errors_ < 0 ? 0 : ::pread(errors_, bytes.data(), bytes.size(), 0);
    std::string text(bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;)
      text.replace(at, 1, "; ");
    return text;
  }

 private:
  static void redirect(int standard, int target, int& saved) {
    if (target < 0) return;
    saved = ::fcntl(standard, F_DUPFD_CLOEXEC, 3);
    ::dup2(target, standard);
  }
  static void restore(int standard, int saved) {
    if (saved < 0) return;
    ::dup2(saved, standard);
    ::close(saved);
  }
  int errors_;
  int nowhere_;
  int saved_output_ = -1;
  int saved_errors_ = -1;
};

// EAL's own threads take what is left of this thread's CPUs when those of all lcores are off, and
// those of the main lcore when nothing is: they would go to the SMT siblings that the plan avoids.
base::Status keep_to(const std::vector<std::uint16_t>& cpus) {
  if (cpus.empty()) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::uint16_t cpu : cpus)
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return base::Error{fmt::format("CPUs {} for all but the workers: {}; see [workers] cores",
                                 fmt::join(cpus, ","), std::strerror(errno))};
}

}  // namespace

base::Result<std::unique_ptr<Eal>> Eal::start(const EalPlan& plan) {
  std::unique_ptr<Eal> eal(new Eal);
  if (base::Status fault = eal->log_.install(); !fault) return fault.error();
  eal->arguments_ = plan.arguments;
  for (std::string& argument : eal->arguments_) eal->argv_.push_back(argument.data());
  eal->argv_.push_back(nullptr);
  if (base::Status kept = keep_to(plan.main_cpus); !kept) return kept.error();
  int used = 0;
  std::string said;
  {
    const OutputCaptured captured;
    used = rte_eal_init(static_cast<int>(plan.arguments.size()), eal->argv_.data());
    said = captured.errors();
  }
  if (used < 0) {
    const std::string logged = eal->log_.recent();
    if (!logged.empty()) said = logged + (said.empty() ? "" : "; ") + said;
    return base::Error{fmt::format(
        "DPDK did not start: {}. It was started as `{}`; see [dpdk] in the configuration and the "
        "options before --",
        said.empty() ? rte_strerror(rte_errno) : said, fmt::join(plan.arguments, " "))};
  }
  eal->is_up_ = true;
  std::uint32_t lcore = 0;
  RTE_LCORE_FOREACH_WORKER(lcore) eal->worker_lcores_.push_back(lcore);
  return eal;
}

std::vector<unsigned> Eal::worker_cpus() const {
  std::vector<unsigned> cpus;
  for (const std::uint32_t lcore : worker_lcores_) {
    const rte_cpuset_t allowed = rte_lcore_cpuset(lcore);
    unsigned cpu = 0;
    while (cpu + 1 < CPU_SETSIZE && !CPU_ISSET(cpu, &allowed)) ++cpu;
    cpus.push_back(cpu);
  }
  return cpus;
}

std::string Eal::runtime_folder() const {
  return rte_eal_get_runtime_dir();
}

Eal::~Eal() {
  if (is_up_) rte_eal_cleanup();
}

}  // namespace edgesentry::nic
