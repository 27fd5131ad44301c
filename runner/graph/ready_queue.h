#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "runner/graph/job_table.h"

namespace enjoin {

/// Jobs that could start, those with the highest priority first, of these those with the highest
/// level; of equals, the one that came first.
/// Jobs that ask for the same form a class: where one of them finds no room, none does, so the
/// whole class is set aside at once.
class ReadyQueue {
 public:
  struct ClassKey {
    std::uint32_t stage = kNoIndex;  ///< kNoIndex: of a stage without a limit of its own
    std::uint32_t requirement = 0;
    std::uint32_t tier = 0;     ///< of its memory, which grows by attempt
    std::int32_t priority = 0;  ///< of the requirement
    friend bool operator==(const ClassKey&, const ClassKey&) = default;
  };
  struct Candidate {
    std::uint32_t job;
    std::uint32_t job_class;
    float level;
  };

  void push(std::uint32_t job, float level, const ClassKey& key);
  /// The best job of all classes that are not set aside.
  std::optional<Candidate> best();
  const ClassKey& key(std::uint32_t job_class) const { return classes_[job_class].key; }
  /// Takes what best() gave out of the queue.
  void take(const Candidate& candidate);
  /// best() passes its class over until unpark().
  void park(const Candidate& candidate);
  std::size_t parked() const { return parked_.size(); }
  void unpark();
  bool empty() const { return size_ == 0; }
  /// Jobs in it.
  std::size_t size() const { return size_; }
  /// Levels have changed, and jobs for which `keep(job)` is false are to go.
  template <typename LevelOf, typename Keep>
  void rebuild(LevelOf level_of, Keep keep) {
    for (Class& one : classes_) {
      std::erase_if(one.heap, [&](const Entry& entry) { return !keep(entry.job); });
      for (Entry& entry : one.heap) entry.level = level_of(entry.job);
    }
    restore();
  }

 private:
  struct Entry {
    float level;
    std::uint32_t job;
  };
  struct Class {
    ClassKey key;
    std::vector<Entry> heap;
    bool is_parked = false;
  };
  struct Top {
    Entry entry;
    std::uint32_t job_class;
    std::int32_t priority;
  };
  struct KeyHash {
    std::size_t operator()(const ClassKey& key) const {
      std::uint64_t hash = (std::uint64_t{key.stage} << 32 | key.requirement) + key.tier;
      hash *= 0x9E3779B97F4A7C15ULL;
      return static_cast<std::size_t>(hash ^ hash >> 29);
    }
  };
  static bool is_worse(const Entry& left, const Entry& right) {
    return left.level != right.level ? left.level < right.level : left.job > right.job;
  }
  static bool is_worse_top(const Top& left, const Top& right) {
    if (left.priority != right.priority) return left.priority < right.priority;
    return is_worse(left.entry, right.entry);
  }
  std::uint32_t class_of(const ClassKey& key);
  void offer(std::uint32_t job_class);
  void restore();

  std::vector<Class> classes_;
  std::unordered_map<ClassKey, std::uint32_t, KeyHash> index_;
  std::uint32_t last_class_ = kNoIndex;
  std::vector<Top> tops_;  // a heap: the first of each class, and some that are so no more
  std::vector<std::uint32_t> parked_;
  std::size_t size_ = 0;
};

}  // namespace enjoin
