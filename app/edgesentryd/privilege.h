// The rights of the process, from the start to the moment when packets flow: who it will be, what
// it hands over to that user, the companions that it starts while it may, and giving the rest up.
//
// Owned by main, which calls the steps in this order, before the objects that use the companions.
// docs/security.md has the picture.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "edgesentryd/leftovers.h"
#include "guard/calls.h"
#include "guard/companion.h"
#include "guard/landlock.h"
#include "guard/launcher.h"
#include "guard/places.h"
#include "guard/rights.h"
#include "guard/standing.h"
#include "report/command_runner.h"

namespace edgesentry::appliance {

class Privilege {
 public:
  using Say = std::function<void(const std::string&)>;
  static base::Result<std::unique_ptr<Privilege>> prepare(const config::Config& config, Say say);

  // `patterns` is the file that was found, which the configuration may not name.
  void need(const std::string& patterns);
  // What the user could not use after hand_over(), without handing anything over.
  [[nodiscard]] std::vector<guard::OutOfReach> out_of_reach() const;
  // Fails for what has to be read. What cannot be written is said: an appliance in the wire does
  // its work without a disk, and its outputs say, count and mend the rest.
  [[nodiscard]] base::Status hand_over();
  // What starts programs later on, because this process then cannot; and what an earlier run left
  // in the kernel is removed.
  [[nodiscard]] base::Status start_companions();
  // Once the devices are open: user, capabilities and files, on every thread there is. DPDK's
  // folder stays open.
  [[nodiscard]] base::Status give_up(const std::string& runtime_folder);
  // Once everything is open and every thread is there.
  [[nodiscard]] base::Status filter_calls(bool takes_faults);

  // Whom it becomes; empty: the user stays.
  [[nodiscard]] std::optional<uid_t> heir() const {
    return account_ ? std::optional(account_->user) : std::nullopt;
  }
  // nullptr: the configuration wants none.
  [[nodiscard]] guard::Launcher* nft_launcher() const noexcept { return nft_launcher_.get(); }
  [[nodiscard]] guard::Launcher* xdp_launcher() const noexcept { return xdp_launcher_.get(); }
  // By start_companions().
  [[nodiscard]] const Swept& swept() const noexcept { return swept_; }
  [[nodiscard]] report::CommandRunner* commands() const noexcept { return commands_.get(); }
  // Of the calling thread; any thread.
  [[nodiscard]] guard::Standing standing() const { return guard::standing_now(done_); }

 private:
  Privilege(const config::Config& config, Say say) : config_(config), say_(std::move(say)) {}
  [[nodiscard]] base::Status settle_accounts();
  [[nodiscard]] base::Status settle_capabilities();
  [[nodiscard]] base::Status start_commands();
  [[nodiscard]] base::Status start_nft_launcher();
  [[nodiscard]] base::Status start_xdp_launcher();

  const config::Config& config_;
  const Say say_;
  std::optional<guard::Account> account_;          // absent: the user stays
  std::optional<guard::Account> command_account_;  // the same for log.block_command
  bool is_command_root_ = false;                   // as the configuration asks for it
  std::optional<guard::Capabilities> keep_;        // absent: root stays root
  std::vector<guard::Needed> needed_;
  guard::Done done_;
  std::unique_ptr<guard::Companion> nft_companion_;
  std::unique_ptr<guard::Launcher> nft_launcher_;
  std::unique_ptr<guard::Companion> xdp_companion_;
  std::unique_ptr<guard::Launcher> xdp_launcher_;
  std::unique_ptr<report::CommandRunner> commands_;
  Swept swept_;
};

}  // namespace edgesentry::appliance
