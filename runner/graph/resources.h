#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/graph/ids.h"
#include "runner/graph/specs.h"

namespace enjoin {

/// What running jobs hold of CPUs, memory and pools, and whether one more has room.
class Resources {
 public:
  Resources(std::uint32_t cpus, std::uint64_t memory) : cpus_(cpus), memory_(memory) {}

  PoolIndex add_pool(PoolSpec pool);
  /// Equal ones get one index. Throws Error.
  RequirementIndex add_requirement(const Requirement& requirement);
  const Requirement& requirement(std::uint32_t index) const { return requirements_[index].spec; }
  /// It needs one CPU and nothing else.
  bool is_plain(std::uint32_t index) const { return requirements_[index].is_plain; }
  /// What an attempt may take, bytes; 0: not said.
  std::uint64_t memory_of(std::uint32_t requirement, std::uint32_t attempt) const;
  void set_cpus(std::uint32_t cpus) { cpus_ = cpus; }
  std::uint32_t cpus() const { return cpus_; }
  std::uint32_t cpus_in_use() const { return cpus_in_use_; }

  enum class Fit : std::uint8_t {
    kFits,
    kNoCapacity,  ///< too few CPUs, too little memory
    kNoPool
  };
  /// `extra_cpus` may be taken beyond the budget.
  Fit fits(std::uint32_t requirement, std::uint64_t memory, std::uint32_t extra_cpus) const;

  /// What a job holds while it runs.
  struct Held {
    std::uint32_t job = 0;
    std::uint32_t requirement = 0;
    std::uint32_t cpus = 0;
    std::uint64_t memory = 0;
    std::vector<std::uint32_t> values;  // as Requirement::pools, places in PoolSpec::values
  };
  /// Gives it a place, to be named to release(). fits() has said kFits.
  std::uint32_t acquire(std::uint32_t job, std::uint32_t requirement, std::uint64_t memory);
  void release(std::uint32_t place);
  /// The values of pools that it holds: as Requirement::pools; null where a pool has no values.
  std::vector<const std::string*> values(std::uint32_t place) const;

 private:
  struct Pool {
    PoolSpec spec;
    std::uint32_t in_use = 0;
    std::vector<std::uint32_t> free_values;  // the next one at the end
  };
  struct Kept {
    Requirement spec;
    bool is_plain = true;
  };

  std::uint32_t cpus_;
  std::uint64_t memory_;
  std::uint32_t cpus_in_use_ = 0;
  std::uint64_t memory_in_use_ = 0;
  std::deque<Pool> pools_;
  std::vector<Kept> requirements_;
  Requirement last_;                                      // as it was given last
  std::uint32_t last_index_ = ~0U;                        // ~0: none was
  std::unordered_map<std::string, std::uint32_t> index_;  // of requirements, by their bytes
  std::vector<Held> held_;
  std::vector<std::uint32_t> free_places_;
};

}  // namespace enjoin
