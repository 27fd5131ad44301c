#include "runner/graph/resources.h"

#include <algorithm>
#include <bit>

#include "enjoin/error.h"

namespace enjoin {
namespace {

void append(std::string* bytes, std::uint64_t number) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes->push_back(static_cast<char>(number >> shift & 255));
  }
}

std::string bytes_of(const Requirement& requirement) {
  std::string bytes;
  append(&bytes, requirement.cpus);
  append(&bytes, requirement.memory.size());
  for (const std::uint64_t memory : requirement.memory) append(&bytes, memory);
  append(&bytes, requirement.pools.size());
  for (const PoolIndex pool : requirement.pools) append(&bytes, at(pool));
  append(&bytes, requirement.attempts);
  append(&bytes, static_cast<std::uint64_t>(requirement.retry_delay.count()));
  append(&bytes, std::bit_cast<std::uint64_t>(requirement.retry_backoff));
  append(&bytes, static_cast<std::uint32_t>(requirement.priority));
  append(&bytes, requirement.asks ? 1 : 0);
  return bytes;
}

}  // namespace

PoolIndex Resources::add_pool(PoolSpec pool) {
  if (!pool.values.empty()) pool.limit = static_cast<std::uint32_t>(pool.values.size());
  pool.limit = std::max(pool.limit, 1U);
  Pool& added = pools_.emplace_back();
  added.spec = std::move(pool);
  for (std::size_t value = added.spec.values.size(); value-- > 0;) {
    added.free_values.push_back(static_cast<std::uint32_t>(value));
  }
  return PoolIndex{static_cast<std::uint32_t>(pools_.size() - 1)};
}

RequirementIndex Resources::add_requirement(const Requirement& requirement) {
  if (last_index_ != ~0U && requirement == last_) return RequirementIndex{last_index_};
  const auto [entry, is_new] =
      index_.try_emplace(bytes_of(requirement), static_cast<std::uint32_t>(requirements_.size()));
  last_index_ = ~0U;
  last_ = requirement;
  if (!is_new) return RequirementIndex{last_index_ = entry->second};
  Kept kept{requirement, true};
  kept.spec.cpus = std::max(kept.spec.cpus, 1U);
  std::vector<PoolIndex> pools = kept.spec.pools;
  std::sort(pools.begin(), pools.end());
  if (const auto twice = std::adjacent_find(pools.begin(), pools.end()); twice != pools.end()) {
    index_.erase(entry);
    throw Error("a job names the pool " + pools_[at(*twice)].spec.name + " twice");
  }
  kept.is_plain = kept.spec.cpus == 1 && kept.spec.memory.empty() && pools.empty();
  requirements_.push_back(std::move(kept));
  return RequirementIndex{last_index_ = entry->second};
}

std::uint64_t Resources::memory_of(std::uint32_t requirement, std::uint32_t attempt) const {
  const std::vector<std::uint64_t>& memory = requirements_[requirement].spec.memory;
  if (memory.empty()) return 0;
  return memory[std::min<std::size_t>(attempt, memory.size()) - 1];
}

// What asks for more than there is runs as soon as nobody else has any of it.
Resources::Fit Resources::fits(std::uint32_t requirement, std::uint64_t memory,
                               std::uint32_t extra_cpus) const {
  const Requirement& spec = requirements_[requirement].spec;
  const std::uint64_t cpus = std::min(spec.cpus, std::max(cpus_, 1U));
  if (cpus_in_use_ + cpus > std::uint64_t{cpus_} + extra_cpus && cpus_in_use_ > 0) {
    return Fit::kNoCapacity;
  }
  if (memory > 0 && memory_in_use_ > 0 &&
      (memory_in_use_ >= memory_ || memory > memory_ - memory_in_use_)) {
    return Fit::kNoCapacity;
  }
  for (const PoolIndex pool : spec.pools) {
    if (pools_[at(pool)].in_use >= pools_[at(pool)].spec.limit) return Fit::kNoPool;
  }
  return Fit::kFits;
}

std::uint32_t Resources::acquire(std::uint32_t job, std::uint32_t requirement,
                                 std::uint64_t memory) {
  const Requirement& spec = requirements_[requirement].spec;
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<std::uint32_t>(held_.size()));
    held_.emplace_back();
  }
  const std::uint32_t place = free_places_.back();
  free_places_.pop_back();
  Held& held = held_[place];
  held.job = job;
  held.requirement = requirement;
  held.cpus = std::min(spec.cpus, std::max(cpus_, 1U));
  held.memory = std::min(memory, memory_);
  held.values.clear();
  cpus_in_use_ += held.cpus;
  memory_in_use_ += held.memory;
  for (const PoolIndex index : spec.pools) {
    Pool& pool = pools_[at(index)];
    ++pool.in_use;
    std::uint32_t value = 0;
    if (!pool.spec.values.empty()) {
      value = pool.free_values.back();
      pool.free_values.pop_back();
    }
    held.values.push_back(value);
  }
  return place;
}

void Resources::release(std::uint32_t place) {
  Held& held = held_[place];
  const Requirement& spec = requirements_[held.requirement].spec;
  cpus_in_use_ -= held.cpus;
  memory_in_use_ -= held.memory;
  for (std::size_t i = 0; i < spec.pools.size(); ++i) {
    Pool& pool = pools_[at(spec.pools[i])];
    --pool.in_use;
    if (!pool.spec.values.empty()) pool.free_values.push_back(held.values[i]);
  }
  free_places_.push_back(place);
}

std::vector<const std::string*> Resources::values(std::uint32_t place) const {
  const Held& held = held_[place];
  const std::vector<PoolIndex>& pools = requirements_[held.requirement].spec.pools;
  std::vector<const std::string*> values;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const PoolSpec& pool = pools_[at(pools[i])].spec;
    values.push_back(pool.values.empty() ? nullptr : &pool.values[held.values[i]]);
  }
  return values;
}

}  // namespace enjoin
