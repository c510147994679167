#include "nic/eal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <unistd.h>

#include <cstdio>

namespace edgesentry::nic {
namespace {

// rte_eal_init() prints its 90 lines of usage to standard output on a wrong option; our sentence
// names the option instead.
class StandardOutputMuted {
 public:
  StandardOutputMuted() {
    std::fflush(stdout);
    saved_ = ::dup(STDOUT_FILENO);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0) return;
    ::dup2(nowhere, STDOUT_FILENO);
    ::close(nowhere);
  }
  ~StandardOutputMuted() {
    std::fflush(stdout);
    if (saved_ < 0) return;
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }
  StandardOutputMuted(const StandardOutputMuted&) = delete;
  StandardOutputMuted& operator=(const StandardOutputMuted&) = delete;

 private:
  int saved_ = -1;
};

}  // namespace

base::Result<std::unique_ptr<Eal>> Eal::start(const EalPlan& plan) {
  std::unique_ptr<Eal> eal(new Eal);
  if (base::Status fault = eal->log_.install(); !fault) return fault.error();
  eal->arguments_ = plan.arguments;
  for (std::string& argument : eal->arguments_) eal->argv_.push_back(argument.data());
  eal->argv_.push_back(nullptr);
  int used = 0;
  {
    const StandardOutputMuted muted;
    used = rte_eal_init(static_cast<int>(plan.arguments.size()), eal->argv_.data());
  }
  if (used < 0) {
    const std::string said = eal->log_.recent();
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

Eal::~Eal() {
  if (is_up_) rte_eal_cleanup();
}

}  // namespace edgesentry::nic
