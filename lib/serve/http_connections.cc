#include "serve/http_connections.h"

#include <sys/socket.h>

#include "serve/api_guard.h"

namespace edgesentry::serve {

bool HttpConnections::may_enter(const base::Ip& address) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(client_of(address));
  const bool may = make_room(found == clients_.end() ? nullptr : &found->second);
  if (!may) numbers_.refused.fetch_add(1, std::memory_order_relaxed);
  return may;
}

bool HttpConnections::make_room(const Client* client) {
  if (leaving_ >= kLeavingMax) return false;
  const bool is_client_full = client != nullptr && client->count >= limits_.of_client;
  if (!is_client_full && entries_.size() - leaving_ < limits_.all) return true;
  const bool has_own = client != nullptr && !client->strangers.empty();
  if (!has_own && (is_client_full || strangers_.empty())) return false;
  shut(entries_.find(has_own ? client->strangers.front() : strangers_.front())->second);
  numbers_.displaced.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void HttpConnections::opened(const void* id, int fd, const base::Ip& address, Time deadline) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[id];
  entry = {.fd = fd, .client = client_of(address), .deadline = deadline};
  ++clients_[entry.client].count;
  enlist(id, entry);
  numbers_.accepted.fetch_add(1, std::memory_order_relaxed);
  numbers_.connections.store(entries_.size(), std::memory_order_relaxed);
}

void HttpConnections::closed(const void* id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  if (found->second.is_cut)
    --leaving_;
  else
    strike(found->second);
  entries_.erase(found);
  numbers_.connections.store(entries_.size(), std::memory_order_relaxed);
}

void HttpConnections::set_deadline(const void* id, Time deadline) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.deadline = deadline;
}

void HttpConnections::set_known(const void* id, bool is_known) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.is_cut) return;
  Entry& entry = found->second;
  if (entry.is_known == is_known) return;
  entry.is_known = is_known;
  if (!is_known) return enlist(id, entry);
  strangers_.erase(entry.among_all);
  clients_[entry.client].strangers.erase(entry.among_client);
}

void HttpConnections::enlist(const void* id, Entry& entry) {
  Ids& of_client = clients_[entry.client].strangers;
  entry.among_all = strangers_.insert(strangers_.end(), id);
  entry.among_client = of_client.insert(of_client.end(), id);
}

// It counts no more.
void HttpConnections::strike(Entry& entry) noexcept {
  const auto client = clients_.find(entry.client);
  if (!entry.is_known) {
    strangers_.erase(entry.among_all);
    client->second.strangers.erase(entry.among_client);
  }
  if (--client->second.count == 0) clients_.erase(client);
}

void HttpConnections::shut(Entry& entry) noexcept {
  if (entry.is_cut) return;
  strike(entry);
  entry.is_cut = true;
  ++leaving_;
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
