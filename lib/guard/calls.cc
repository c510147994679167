#include "guard/calls.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "guard/call_list.h"

namespace edgesentry::guard {
namespace {

constexpr std::uint64_t kNewSpaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kNameRange = 0x53564d41;  // PR_SET_VMA, newer than Debian 12's header

using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

// What no thread of ours does on purpose, or is not to be told of each time. Of two filters the
// kernel takes the stricter answer. 0 or an errno below zero.
int refuse_beside(std::uint32_t deadly) {
  const Context context(::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release);
  if (!context) return -ENOMEM;
  int fault = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // Its flags lie in memory, where no filter can see them; glibc then takes clone(), for each
  // thread, so that a log of it would be a log of threads.
  if (fault == 0)
    fault = ::seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  // Input pushed into a terminal would be read by the shell of whoever started this. The kernel
  // reads 32 bits of the argument: bits above must not make it another one.
  for (const std::uint64_t request : {TIOCSTI, TIOCLINUX})
    if (fault == 0)
      fault = ::seccomp_rule_add(context.get(), deadly, SCMP_SYS(ioctl), 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, request));
  return fault == 0 ? ::seccomp_load(context.get()) : fault;
}

class Filter {
 public:
  explicit Filter(const CallRules& rules)
      : refuses_(rules.filter == CallFilter::refuse),
        context_(::seccomp_init(refuses_ ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG),
                 ::seccomp_release) {
    set(SCMP_FLTATR_CTL_TSYNC, 1);
    set(SCMP_FLTATR_CTL_LOG, 1);
    for (const char* name : kAllowed) add(SCMP_ACT_ALLOW, name, {});
    for (const char* name : kDeadly) add(deadly(), name, {});
    add(rules.has_bpf ? SCMP_ACT_ALLOW : deadly(), "bpf", {});
    if (rules.may_limit_files)
      add(SCMP_ACT_ALLOW, "prlimit64", {SCMP_A1(SCMP_CMP_EQ, RLIMIT_FSIZE)});
    add_processes();
    add_memory();
    add_sockets(rules);
  }

  base::Status load() {
    if (fault_ == 0) fault_ = context_ ? refuse_beside(deadly()) : -ENOMEM;
    if (fault_ == 0) fault_ = ::seccomp_load(context_.get());
    if (fault_ == 0) return {};
    return base::Error{fmt::format(
        "seccomp: the filter of system calls cannot be set{}{}: {}; set privilege.seccomp = "
        "\"off\"",
        at_.empty() ? "" : " at ", at_, std::strerror(-fault_))};
  }

 private:
  using Arguments = std::initializer_list<scmp_arg_cmp>;

  [[nodiscard]] std::uint32_t deadly() const {
    return refuses_ ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG;
  }

  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (fault_ == 0 && context_) fault_ = ::seccomp_attr_set(context_.get(), attribute, value);
  }

  // A call that this architecture or version of libseccomp does not know cannot be made, either.
  void add(std::uint32_t action, const char* name, Arguments arguments) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (fault_ != 0 || !context_ || number == __NR_SCMP_ERROR) return;
    if (action == (refuses_ ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG)) return;  // the default
    const int code = ::seccomp_rule_add_array(
        context_.get(), action, number, static_cast<unsigned>(arguments.size()), arguments.begin());
    fault_ = code;
    if (code != 0) at_ = name;
  }

  void add_processes() {
    add(SCMP_ACT_ALLOW, "clone",
        {SCMP_A0(SCMP_CMP_MASKED_EQ, kNewSpaces | CLONE_THREAD, CLONE_THREAD)});
    add(SCMP_ACT_ALLOW, "clone3", {});  // the other filter has it
    add(SCMP_ACT_ALLOW, "tgkill", {SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))});
    for (const std::uint64_t name :
         {std::uint64_t{PR_SET_NAME}, std::uint64_t{PR_GET_NAME}, std::uint64_t{PR_SET_TIMERSLACK},
          std::uint64_t{PR_GET_SECCOMP}, std::uint64_t{PR_GET_NO_NEW_PRIVS}, kNameRange,
          std::uint64_t{PR_GET_DUMPABLE}})
      add(SCMP_ACT_ALLOW, "prctl", {SCMP_A0(SCMP_CMP_EQ, name)});
    add(SCMP_ACT_ALLOW, "prlimit64", {SCMP_A2(SCMP_CMP_EQ, 0)});  // asks, does not set
    // Less room for its own files: how a switch of docs/failure.md makes a disk full.
    add(SCMP_ACT_ALLOW, "prlimit64", {SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A1(SCMP_CMP_EQ, RLIMIT_FSIZE)});
    add(SCMP_ACT_ALLOW, "ioctl", {});  // the other filter has those that are refused
  }

  void add_memory() {
    for (const char* name : {"mmap", "mprotect", "pkey_mprotect"})
      add(SCMP_ACT_ALLOW, name, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  }

  void add_sockets(const CallRules& rules) {
    for (const int family : {AF_UNIX, AF_INET, AF_INET6})
      add(SCMP_ACT_ALLOW, "socket", {SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))});
    add(SCMP_ACT_ALLOW, "socket",
        {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE)});
    if (rules.has_netfilter)
      add(SCMP_ACT_ALLOW, "socket",
          {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_EQ, NETLINK_NETFILTER)});
    add(SCMP_ACT_ALLOW, "socketpair", {SCMP_A0(SCMP_CMP_EQ, AF_UNIX)});
  }

  bool refuses_;
  Context context_;
  int fault_ = 0;
  std::string_view at_;
};

}  // namespace

base::Status filter_calls(const CallRules& rules) {
  return Filter(rules).load();
}

}  // namespace edgesentry::guard
