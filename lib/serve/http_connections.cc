#include "serve/http_connections.h"

#include <sys/socket.h>

#include "serve/api_guard.h"

namespace edgesentry::serve {

bool HttpConnections::may_enter(const base::Ip& address) {
  const std::lock_guard lock(mutex_);
  const auto found = of_client_.find(client_of(address));
  const bool may = entries_.size() < limits_.all &&
                   (found == of_client_.end() || found->second < limits_.of_client);
  if (!may) numbers_.refused.fetch_add(1, std::memory_order_relaxed);
  return may;
}

void HttpConnections::opened(const void* id, int fd, const base::Ip& address, Time deadline) {
  const std::lock_guard lock(mutex_);
  const base::Ip client = client_of(address);
  entries_[id] = {fd, client, deadline, false};
  ++of_client_[client];
  numbers_.accepted.fetch_add(1, std::memory_order_relaxed);
  numbers_.connections.store(entries_.size(), std::memory_order_relaxed);
}

void HttpConnections::closed(const void* id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto count = of_client_.find(found->second.client);
  if (count != of_client_.end() && --count->second == 0) of_client_.erase(count);
  entries_.erase(found);
  numbers_.connections.store(entries_.size(), std::memory_order_relaxed);
}

void HttpConnections::set_deadline(const void* id, Time deadline) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.deadline = deadline;
}

void HttpConnections::shut(Entry& entry) noexcept {
  if (entry.is_cut) return;
  entry.is_cut = true;
  ::shutdown(entry.fd, SHUT_RDWR);  // fails where the client is gone already, which is as good
}

void HttpConnections::cut(const void* id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end()) shut(found->second);
}

void HttpConnections::cut_overdue(Time now) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) {
    if (entry.is_cut || now < entry.deadline) continue;
    shut(entry);
    numbers_.cut_off.fetch_add(1, std::memory_order_relaxed);
  }
}

void HttpConnections::cut_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) shut(entry);
}

}  // namespace edgesentry::serve
